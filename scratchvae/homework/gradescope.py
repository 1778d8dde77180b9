"""Gradescope: the zip that it takes, and the result that it reads.

`autograder` writes a zip. In its root are `setup.sh`, run once as root while the image is built
(the only time with a network), `run_autograder`, run as root for each submission, the package
without data and demos, and `homework.json` with the exercises. Gradescope unpacks it to
/autograder/source, and puts a submission into /autograder/submission. Its machines have Ubuntu
22.04 with Python 3.10, half a processor and 768 MB.

Students' code runs as another user, who cannot read the reference: bubblewrap cannot run there.
`run_autograder` writes a result of 0 points with a sentence before it begins. So a run that is
ended from outside says so.

`submitters` reads who has handed in what, from the table that Gradescope puts beside the
submissions when it exports them.

The scripts take three variables, for tests: AUTOGRADER_ROOT (/autograder), AUTOGRADER_USER
(student; empty: no other user), AUTOGRADER_PYTHON (a Python with NumPy, in place of the venv).
"""

import json
import os
import re
import stat
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchvae.files import made, written_whole
from scratchvae.homework import asked, handback, page
from scratchvae.homework.exercises import BY_NUMBER, PAGE, Exercise, select, weights
from scratchvae.homework.grade import Grade, grade_read, weighted
from scratchvae.homework.rows import Person

SHOW = ("visible", "after_published", "hidden")
SHOWN_DEFAULT = "visible"
ROOT, PACKAGE = Path("/autograder"), Path(__file__).resolve().parents[1]
NUMPY = "numpy>=2.0"
FAILED = "The grader could not grade this. That says nothing of your work: tell your teacher."

SETUP = f"""#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the image: the only time with a network.
set -euo pipefail
root=${{AUTOGRADER_ROOT:-/autograder}}
user=${{AUTOGRADER_USER-student}}

if [ -z "${{AUTOGRADER_PYTHON-}}" ]; then # the system's NumPy is older than 2.0
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends adduser python3 python3-venv
    python3 -m venv "$root/venv"
    "$root/venv/bin/pip" install --no-cache-dir '{NUMPY}'
    chmod a+x "$root" && chmod -R a+rX "$root/venv" # the other user imports from it
fi
if [ -n "$user" ] && ! id "$user" >/dev/null 2>&1; then
    adduser --no-create-home --disabled-password --gecos "" "$user"
fi
chmod -R o= "$root/source" # the reference is here: students' code may not read it
"""

RUN = f"""#!/usr/bin/env bash
# Gradescope runs this, as root, for each submission. It needs no network.
set -uo pipefail
root=${{AUTOGRADER_ROOT:-/autograder}}
user=${{AUTOGRADER_USER-student}}
python=${{AUTOGRADER_PYTHON:-$root/venv/bin/python}}
results=$root/results/results.json

say() {{ # a result of 0 points, with a sentence
    printf '{{"score": 0, "output": "%s", "tests": []}}\\n' "$1" >"$results.part" &&
        mv "$results.part" "$results"
}}

mkdir -p "$root/results"
say "The grader did not come to its end. It may be asked again; if it says so twice, \\
tell your teacher."
chmod -R o= "$root/source" "$root/results"
chmod o= "$root/submission" "$root/submission_metadata.json" 2>/dev/null
if [ -n "$user" ] && runuser -u "$user" -- test -r "$root/source/scratchvae/vae.py"; then
    say "{FAILED} (The reference is readable.)"
    exit 0
fi

cd "$root/source" || exit 0
ulimit -v 500000 # kB for each process, of the 768 MB that there are
export AUTOGRADER_ROOT="$root" AUTOGRADER_USER="$user" OPENBLAS_NUM_THREADS=1
"$python" -B -m scratchvae.homework.gradescope || say "{FAILED}"
"""


# ---- the result ----


def visibility(show: str) -> dict[str, str]:
    """What `--show` says of each exercise: number -> one of `SHOW`.

    show: one of `SHOW` for all, or with exceptions, as "visible,2.4=hidden,3=after_published".
    ValueError for anything else.
    """
    shown = dict.fromkeys(BY_NUMBER, SHOWN_DEFAULT)
    for part in show.split(","):
        numbers, _, mode = part.strip().rpartition("=")
        if mode not in SHOW:
            raise ValueError(f"--show {part!r}: it should be one of {', '.join(SHOW)}, or N=MODE")
        chosen = select([numbers]) if numbers else BY_NUMBER.values()
        shown.update({e.number: mode for e in chosen})
    return shown


def results(grade: Grade, show: str = SHOWN_DEFAULT, seconds: float = 0.0) -> dict[str, Any]:
    """results.json: https://gradescope-autograders.readthedocs.io, "Specifications".

    A test for each exercise, seen when `show` says. What is said of the files that were handed
    in, and the last test, which has no points, a student sees at once.
    """
    shown = visibility(show)
    tests: list[dict[str, Any]] = [
        {
            "number": mark.number,
            "name": mark.title,
            "name_format": "text",
            "score": mark.points,
            "max_score": mark.most,
            "status": "passed" if mark.points == mark.most else "failed",
            "output": handback.plain_text(mark),
            "output_format": "text",
            "tags": [f"chapter {mark.number.split('.')[0]}"],
            "visibility": shown[mark.number],
            "extra_data": {"kind": mark.kind},
        }
        for mark in grade.marks
    ]
    whole = {
        "number": "whole",
        "name": "the whole package" + ("" if grade.whole_most else ", without points"),
        "score": grade.whole_points,
        "max_score": grade.whole_most,
        "output": handback.to_you(grade.whole),
        "output_format": "text",
        "visibility": "visible",
    }
    note = f"About your files: {handback.to_you(grade.note)}." if grade.note else ""
    return {
        "score": grade.points,
        "execution_time": round(seconds, 1),
        "output": note or "Your files were read.",
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"of": grade.most},
        "tests": [*tests, whole],
    }


# ---- the zip ----


def autograder(
    out: Path,
    exercises: Sequence[Exercise],
    title: str,
    show: str,
    whole: float = 0,
    points: str = "",
) -> None:
    """Write the zip. ValueError when `out` is no name for it."""
    visibility(show)
    weights(points, exercises)
    if out.suffix != ".zip":
        raise ValueError(f"{out} should end in .zip")
    if out.exists() and not _is_one(out):
        raise FileExistsError(f"{out} is there, and no autograder; name another file")
    record = json.loads(asked.record(exercises, title, whole)) | {"show": show, "weights": points}
    files = {asked.NAME: json.dumps(record, indent=1), "setup.sh": SETUP, "run_autograder": RUN}
    files |= _package()
    if PAGE[0] in exercises:
        files[f"demos/{page.NAME}.py"] = page.text()
    made(out.parent)
    with (
        written_whole(out, private=True) as part,  # it holds the answers
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        for name, text in files.items():
            info = zipfile.ZipInfo(name)  # of 1980: the same files are the same zip
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on Windows too: else nobody reads the mode below
            runs = name in ("setup.sh", "run_autograder")
            info.external_attr = (stat.S_IFREG | (0o755 if runs else 0o644)) << 16
            zipped.writestr(info, text)


def _is_one(path: Path) -> bool:
    """Whether the file is a zip that `autograder` wrote."""
    try:
        with zipfile.ZipFile(path) as zipped:
            return {"run_autograder", asked.NAME} <= {*zipped.namelist()}
    except (OSError, zipfile.BadZipFile):
        return False


def _package() -> Mapping[str, str]:
    """The package's files that grade, without data and demos, and without other rooms' files."""
    paths = [path for place in ("*.py", "homework/*.py", "homework/domains/*.py",
                                "homework/*/*.txt")
             for path in PACKAGE.glob(place)]  # fmt: skip
    return {
        f"scratchvae/{path.relative_to(PACKAGE).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(paths)
    }


# ---- the export ----

SUBMITTER = {":name": "name", ":sid": "sid", ":email": "mail"}


def submitters(path: Path) -> tuple[dict[str, list[Person]], dict[str, str]]:
    """Of submission_metadata.yml: submission's folder -> its submitters, and when it came.

    Gradescope writes it by Ruby's to_yaml, and of YAML this form alone is read:

        submission_123:
          :submitters:
          - :name: Ada Park
            :sid: '17'
            :email: ada@uni.example
          :created_at: 2025-11-03 10:05:00.123456000 Z

    What else stands two blanks deep, or deeper, is passed over. ValueError for anything else.
    """
    people: dict[str, list[Person]] = {}
    times: dict[str, str] = {}
    folder = section = ""
    for n, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        try:
            deeper = line.startswith("   ") and section != ":submitters"
            if deeper or line.strip() in ("", "---"):
                continue
            if found := re.fullmatch(r"(\S.*):", line):
                folder, section = _scalar(found[1]), ""
                continue
            if found := re.fullmatch(r"  (:[\w?]+):(?: (.*))?", line):
                section, said = found[1], found[2] or ""
                if section == ":submitters" and folder and said in ("", "[]"):
                    people[folder] = []
                elif section == ":created_at" and folder:
                    times[folder] = re.sub(r"\.\d+", "", _scalar(said))
                elif section == ":submitters" or section in SUBMITTER or not folder:
                    raise ValueError("a list of submitters should stand below")
                continue
            elif section == ":submitters":
                found = re.fullmatch(r"  (-|  *) (:\w+):(?: (.*))?", line)
                if found and found[1] == "-":
                    people[folder].append(Person(""))
                if found and people[folder]:
                    field = SUBMITTER.get(found[2])
                    if field:
                        known = people[folder][-1]._asdict()
                        people[folder][-1] = Person(**{**known, field: _scalar(found[3] or "")})
                    continue
            elif section and line.startswith("  "):
                continue
            raise ValueError(f"it says {line.strip()[:40]!r}")
        except ValueError as error:
            why = f"{path.name}, line {n}, is not as Gradescope writes it: {error}"
            raise ValueError(why) from None
    return people, times


def _scalar(text: str) -> str:
    """A YAML value of one line: plain, or in quotes."""
    if re.fullmatch(r"'(?:[^']|'')*'", text):
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        return str(json.loads(re.sub(r"\\x(..)", r"\\u00\1", text)))
    if text.startswith(tuple("'&*!|>%@`{[#")) or ": " in text or " #" in text:
        raise ValueError(f"{text[:40]!r} is no plain text")
    return "" if text in ("~", "null") else text


# ---- in the container ----


def main() -> int:
    """Grade what is in submission/, write results/results.json. Run by `run_autograder`."""
    from scratchvae.homework import report, submission
    from scratchvae.homework.key import Key

    start = time.monotonic()
    root = Path(os.environ.get("AUTOGRADER_ROOT", ROOT))
    user = os.environ.get("AUTOGRADER_USER", "")
    record = json.loads((root / "source" / asked.NAME).read_text(encoding="utf-8"))
    exercises, show = select(record["exercises"]), str(record["show"])
    key = Key(exercises, f"user:{user}" if user else "none", record["whole"])
    handed_in = submission.read(root / "submission", key.reference, link_is_teachers=True)
    handed_in.name = "submission"
    result = weighted(grade_read(handed_in, key), weights(record["weights"], exercises))
    if not result.final:
        return 1
    report.write_json(
        root / "results" / "results.json",
        results(result, show, time.monotonic() - start),
        private=False,  # Gradescope reads it as another user, perhaps
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
