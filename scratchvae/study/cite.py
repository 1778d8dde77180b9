"""How to cite the project, from CITATION.cff, and the paper."""

import re
from collections.abc import Callable

from scratchvae import __version__
from scratchvae.study.trace import PACKAGE

AEVB = """@article{kingma2013auto,
  title   = {Auto-Encoding Variational Bayes},
  author  = {Kingma, Diederik P. and Welling, Max},
  journal = {arXiv preprint arXiv:1312.6114},
  year    = {2013},
  doi     = {10.48550/arXiv.1312.6114}
}"""


def project() -> str:
    """BibTeX of the project: title and authors as CITATION.cff has them, and the version."""
    text = (PACKAGE.parent / "CITATION.cff").read_text(encoding="utf-8")
    title = _of(r'^title: "(.*)"$', text)
    authors = _of(r"^ +- name: (.*)$", text)
    return (
        f"@software{{scratchvae,\n  title   = {{{title}}},\n  author  = {{{{{authors}}}}},\n"
        f"  version = {{{__version__}}}\n}}"
    )


def _of(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(f"CITATION.cff has no line like {pattern}")
    return match[1]


CITATIONS: dict[str, Callable[[], str]] = {"scratchvae": project, "aevb": lambda: AEVB}
