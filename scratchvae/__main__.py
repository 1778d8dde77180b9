"""The command `scratchvae`, also as `python -m scratchvae`: the core's, the paper's, the rooms'.

A room is a folder of the package with a `cli.py` of its own. The core does not import it,
and works without it.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

from scratchvae import cli, paper
from scratchvae.progress import any_encoding

ROOMS = ("homework", "study", "explorer")


def main() -> int:
    """Run one command. Returns the exit code."""
    any_encoding()
    rooms = [import_module(f"scratchvae.{room}.cli") for room in ROOMS if _is_here(room)]
    return cli.main(rooms=[paper.add_commands, *(room.add_commands for room in rooms)])


def _is_here(room: str) -> bool:
    return find_spec(f"scratchvae.{room}") is not None


if __name__ == "__main__":
    sys.exit(main())
