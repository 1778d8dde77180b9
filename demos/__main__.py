"""`python -m demos` lists the demos, `python -m demos NAME [NAME ...]` runs some of them.

The name `all` runs all. Options stand after the names: --out DIR is the folder of the
pictures, --show opens windows. `python -m demos notebooks --out DIR` writes each demo as a
Jupyter notebook, and one more for homework chapter 2.
"""

import ast
import subprocess
import sys
from pathlib import Path

from scratchvae.options import did_you_mean
from scratchvae.progress import any_encoding, say

HERE = Path(__file__).parent
NO_DEMOS = ("__main__", "common", "korean", "museum", "notebooks", "quadrature", "walk")


def title(path: Path) -> str:
    """The first line of the docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]


DEMOS = {path.stem: title(path) for path in sorted(HERE.glob("*.py")) if path.stem not in NO_DEMOS}


def main(arguments: list[str]) -> int:
    """Run the demos that are named. Returns 0; 1 if one fails; 2 for an unknown name."""
    any_encoding()
    if arguments[:1] == ["notebooks"]:
        from demos import notebooks

        return notebooks.main(arguments[1:])
    dashed = [i for i, argument in enumerate(arguments) if argument.startswith("-")]
    start = min(dashed, default=len(arguments))
    names, options = arguments[:start], arguments[start:]
    if not names:
        width = max(map(len, DEMOS))
        say("\n".join(f"{name:{width}}  {title}" for name, title in DEMOS.items()))
        say(f"\n{__doc__}")
        return 0
    unknown = [name for name in names if name not in (*DEMOS, "all")]
    if unknown:
        meant = did_you_mean(unknown, [*DEMOS, "all", "notebooks"])
        there_are = ", ".join(DEMOS)
        say(f"no demo is called {', '.join(unknown)}{meant}; there are {there_are}", error=True)
        return 2
    failed = []
    for name in DEMOS if "all" in names else names:
        say(f"\n== {name}: {DEMOS[name]}")
        own = options if name not in ("training_speed", "one_page") else []  # they only print
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *own]).returncode:
            failed.append(name)
    if failed:
        say(f"\nfailed: {', '.join(failed)}", error=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
