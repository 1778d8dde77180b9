"""What a handout asks for: `homework.json`, which `make` writes and `grade` reads.

    {"title": "Week 3", "exercises": ["2.2", "2.3"], "points": 15, "whole": 0, "version": "0.2.0"}

It stands in `scratchvae/` of the handout, since this is the folder that comes back. There it is
a student's: it can take points from its own submission, of exercises that it does not name, and
can never add any. What a class is graded on is said by the teacher, by `--handout` or
`--exercises`, or by all of the class's files, if they agree.
"""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scratchvae import __version__
from scratchvae.homework.exercises import BY_NUMBER, Exercise, select
from scratchvae.homework.wire import plain

NAME = "homework.json"
LARGEST = 20_000  # bytes
MOST_WHOLE = 1000  # points


@dataclass(frozen=True)
class Asked:
    """exercises: numbers, in the table's order. version: of the package that made the handout.

    whole: points for a package that trains; the teacher's word alone counts.
    """

    exercises: tuple[str, ...]
    title: str
    version: str
    whole: float = 0

    def other_version(self) -> str:
        """A sentence when the handout is of another version of the package than this; or ""."""
        if self.version == __version__:
            return ""
        return (
            f"its handout was made by version {plain(self.version, 20)} of the package, "
            f"and it is graded by version {__version__}"
        )


def record(exercises: Sequence[Exercise], title: str, whole: float = 0) -> str:
    """The text of the file."""
    data = {
        "title": title,
        "exercises": [exercise.number for exercise in exercises],
        "points": sum(exercise.points for exercise in exercises),
        "whole": whole,
        "version": __version__,
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse(data: bytes) -> Asked:
    """What the file says. ValueError when it is not what `record` writes."""
    wrong = f"{NAME} is not what `scratchvae homework make` writes"
    if len(data) > LARGEST:
        raise ValueError(wrong)
    try:
        found = json.loads(data.decode("utf-8-sig"))
        numbers, title, version = found["exercises"], found["title"], found["version"]
        whole = found.get("whole", 0)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(wrong) from error
    texts = isinstance(title, str) and isinstance(version, str) and isinstance(numbers, list)
    texts &= type(whole) in (int, float) and 0 <= whole <= MOST_WHOLE
    if not texts or not all(isinstance(n, str) and n in BY_NUMBER for n in numbers):
        raise ValueError(wrong)
    return Asked(tuple(n for n in BY_NUMBER if n in numbers), plain(title, 120), version, whole)


def load(path: Path) -> Asked:
    """The teacher's own: a handout's folder, or the file itself. ValueError when it is no such."""
    places = [path, path / "scratchvae" / NAME, path / NAME]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise ValueError(f"{path} is no handout: it has no scratchvae/{NAME}")
    return parse(file.read_bytes())


def choose(
    handout: Asked | None,
    numbers: Iterable[str] | None,
    submitted: Mapping[str, Asked | None],
) -> list[Exercise]:
    """The exercises to grade: the teacher's word, or what all submissions say.

    handout: from --handout. numbers: from --exercises. submitted: name -> its homework.json, for
    each that has files. One without it does not agree with one that has it.
    """
    if handout is not None:
        chosen = select(numbers) if numbers is not None else select(handout.exercises)
        extra = [e.number for e in chosen if e.number not in handout.exercises]
        if extra:
            raise ValueError(f"the handout does not ask for {', '.join(extra)}")
        return chosen
    if numbers is not None:
        return select(numbers)
    said: dict[tuple[str, ...] | None, list[str]] = {}
    for name, one in submitted.items():
        said.setdefault(None if one is None else one.exercises, []).append(name)
    if len(said) > 1:
        groups = "; ".join(
            f"{f'no {NAME}' if asked is None else ', '.join(asked) or 'nothing'}: "
            f"{len(names)} of them, as {plain(names[0], 60)}"
            for asked, names in sorted(said.items(), key=lambda one: -len(one[1]))[:4]
        )
        raise ValueError(
            f"the submissions' {NAME} differ ({groups}); "
            "say what was asked, by --handout FOLDER or --exercises"
        )
    return select(next(iter(said)) if said else None)


# ---- what the table of an assignment calls its sources ----

SOURCES = {
    "notes": "the lecture notes that the package follows, by 임선우, in Korean: §0 autoencoder and "
    "VAE, §1.1 information, §1.2 entropy, §1.3 cross entropy, §1.4 KL divergence, §1.5 why it is "
    "no metric, §1.6 KL and likelihood, §2 AEVB",
    "AEVB": "D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, 2013, "
    "<https://arxiv.org/abs/1312.6114>",
    "Kingma and Ba": "*Adam: A Method for Stochastic Optimization*, 2015, "
    "<https://arxiv.org/abs/1412.6980>",
    "Duchi": "J. Duchi, E. Hazan and Y. Singer, *Adaptive Subgradient Methods for Online Learning "
    "and Stochastic Optimization*, 2011",
    "Burda": "Y. Burda, R. Grosse and R. Salakhutdinov, *Importance Weighted Autoencoders*, 2015, "
    "<https://arxiv.org/abs/1509.00519>",
}


def sources(exercises: Sequence[Exercise]) -> str:
    """A Markdown list of what these exercises' sources are; of notes and AEVB always."""
    named = [
        name
        for name in SOURCES
        if name in ("notes", "AEVB") or any(name in exercise.source for exercise in exercises)
    ]
    items = (f"**{name}**: {SOURCES[name]}." for name in named)
    return "".join(textwrap.fill(f"- {item}", 88, subsequent_indent="  ") + "\n" for item in items)


# ---- the test list of Classroom 50 ----


def classroom50(exercises: Sequence[Exercise]) -> str:
    """One test for each exercise, worth its points: a JSON list that Classroom 50 takes.

    Its limits: 100 tests; a name of 100 bytes; 1 to 600 s. Each test runs in a fresh shell.
    """
    tests: list[dict[str, object]] = [
        {
            "name": "setup",
            "type": "run",
            "run": "python3 -m pip install -q 'numpy>=2.0' 'pytest>=7'",
            "timeout": 300,
            "points": 0,
        }
    ]
    tests += [
        {
            "name": f"{exercise.number} {exercise.title}",
            "type": "run",
            "run": f"python3 -m pytest -m {exercise.marker}",
            "timeout": 60,
            "points": exercise.points,
        }
        for exercise in exercises
    ]
    return json.dumps(tests, indent=1, ensure_ascii=False) + "\n"
