"""Random calls, damaged files and command lines: each ends in a right answer or a clear error.

    python tests/fuzz.py 10000     10,000 calls, 2,000 files and 1,000 command lines

A *case* below draws good arguments for one function, and knows what a right answer is. The
fuzzer calls the function with them, or it replaces one argument by a bad one. Then

- good arguments must give the right answer, and no warning;
- a bad argument must give TypeError, ValueError or FileFormatError. The message must name
  the argument and say what it should be. An OSError is right if nothing can be written to
  the path.

A call has one second of processor time and 500 MB. A damaged file must give FileFormatError,
or content that is equal to the bit. A command must end with exit code 0, 1 or 2, and never
with a traceback. Everything is drawn from the seed, so a finding can be repeated.
"""

# ruff: noqa: E402

import contextlib
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import fuzz_cases
from conftest import write_idx, write_image_set
from fuzz_cases import CASES, damaged, pick

import scratchvae
from scratchvae import VAE, FileFormatError, cli
from scratchvae.homework.cli import add_commands

SECONDS, MEGABYTES = 1.0, 500

# ---- running them ----


class TooLong(BaseException):
    """A call took more than its second."""


def _alarm(*_):
    raise TooLong


FINDINGS: list[str] = []
COUNTS: Counter = Counter()


def found(what, why):
    """Note a finding, once for each kind."""
    COUNTS["found"] += 1
    FINDINGS.append(" ".join(re.sub(r"0x\w+", "...", f"{what}: {why}").split()))


def shown(value):
    """A short text of any value."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) < 90 else text[:87] + "..."


# an argument that is too large for another, where the message names the other
ALSO = {
    ("VAE", "n_x"): "image_shape", ("figures.samples", "image_shape"): "images",
    ("figures.reconstructions", "image_shape"): "originals",
}  # fmt: skip
ALLOWED = (TypeError, ValueError, FileFormatError)


def fuzz_call(rng, names):
    """One call: good arguments, or one of them bad."""
    name = pick(rng, *names)
    function, bad, draw = CASES[name]
    arguments, right = draw(rng)
    spoil = pick(rng, *bad) if bad and rng.random() < 0.75 else None
    if spoil:
        arguments[spoil] = bad[spoil](rng, arguments.get(spoil))
    what = f"{name}({f'{spoil}={shown(arguments[spoil])}' if spoil else 'good arguments'})"
    COUNTS["calls"] += 1
    errors = io.StringIO()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(errors):
            warnings.simplefilter("error")
            answer = function(**arguments)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if spoil or right == "raises":
            found(what, f"accepted: {shown(answer)}")
        elif not right(answer):
            found(what, f"wrong answer {shown(answer)} for {shown(arguments)}")
    except TooLong:
        found(what, "takes more than a second")
    except OSError as error:
        if not (spoil == "path" and "save" in name + "save" * name.startswith("figures")):
            found(what, f"{type(error).__name__}: {shown(str(error))}")
    except Exception as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        text = str(error)
        if not spoil and right != "raises":
            found(what, f"refused: {type(error).__name__}: {text} of {shown(arguments)}")
        elif type(error) not in ALLOWED:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found(what, f"{type(error).__name__}: {shown(text)} at {where.filename}:{where.lineno}")
        elif not re.search("should|a distribution sums to 1", text) and not isinstance(
            error, FileFormatError
        ):
            found(what, f"a message that does not say what to do: {shown(text)}")
        elif (
            spoil
            and not re.search(rf"\b({spoil}|{ALSO.get((name, spoil), spoil)})\b", text)
            and not isinstance(error, FileFormatError)
        ):
            found(what, f"a message that does not name it: {shown(text)}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    for child in fuzz_cases.FOLDER.iterdir():
        if child.name.startswith("tmp"):
            shutil.rmtree(child)


def fuzz_file(rng, flip=None):
    """One damaged model or idx file."""
    COUNTS["files"] += 1
    kind = "model" if flip is not None else pick(rng, "model", "model", "model", "idx", "crafted")
    path = fuzz_cases.FOLDER / "damaged"
    good, original = FILES["idx" if kind == "idx" else "model"]
    if kind == "crafted":
        content, why = crafted(rng)
    elif flip is not None:
        content, why = bytearray(good), f"bit {flip}"
        content[flip // 8] ^= 1 << flip % 8
    else:
        content, why = damaged(rng, good), "damage"
    if kind == "idx":
        path = path.with_suffix(".gz")
    path.write_bytes(content)
    read = scratchvae.read_idx if kind == "idx" else scratchvae.load_model
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = read(path)
        if bytes(content) == good:
            return
        if kind != "idx":
            found(f"{kind} {why}", f"accepted {shown(answer)}")
        elif answer.tobytes() != original:
            found(f"{kind} {why}", "another array")
    except FileFormatError as error:
        if "damaged" not in str(error):
            found(f"{kind} {why}", f"a message without the file's name: {error}")
    except BaseException as error:
        found(f"{kind} {why}", f"{type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def crafted(rng):
    """A model file that is made with care to mislead: other settings, versions, huge sizes."""
    model = VAE(4, (3,), 2)
    config = json.dumps(model.settings)
    theta = model.params.theta
    content = {"format": "scratchvae.VAE", "version": 1, "config": config, "theta": theta}
    changes = [
        {"version": 1.9}, {"version": "1"}, {"version": True}, {"version": 3}, {"version": [1]},
        {"version": np.array([1])}, {"version": 1 + 0j}, {"version": -1}, {"version": 2**62},
        {"format": b"scratchvae.VAE"}, {"format": ["scratchvae.VAE"]}, {"format": 1},
        {"config": "[" * 9999}, {"config": "9" * 9999}, {"config": "1e999"}, {"config": "NaN"},
        {"config": config.replace("4", "400000")}, {"config": config.replace("4", "9" * 400)},
        {"config": config.replace("4", "4.0")}, {"config": config.replace("[3]", '"3"')},
        {"config": config.replace("[3]", "3")}, {"config": config.replace('"tanh"', "[]")},
        {"config": config.replace('"float32"', '"x"')}, {"config": config.replace("[3]", "{}")},
        {"config": '{"seed": 1, ' + config[1:]}, {"config": config.encode()},
        {"theta": theta.astype(">f4")}, {"theta": theta[:, None]}, {"theta": theta[1:]},
        {"theta": theta.astype("f2")}, {"theta": theta.astype("M8[s]")}, {"theta": theta * np.nan},
        {"theta": np.zeros(2, [("a", "f4")])}, {"more": 1}, {"theta": np.array("a" * 9999)},
    ]  # fmt: skip
    change = pick(rng, *changes)
    file = io.BytesIO()
    if rng.random() < 0.2:
        return FILES["zeros"][0], "compressed zeros"
    if rng.random() < 0.2:  # a member of a zip that says it is encrypted, or compressed by bzip2
        with zipfile.ZipFile(file, "w", pick(rng, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)) as archive:
            archive.writestr("format.npy", b"x" * 100)
        return file.getvalue(), "another compression"
    np.savez(file, **{**content, **change})
    return file.getvalue(), shown(change)


FILES: dict = {}


def _write_files():
    path = fuzz_cases.FOLDER / "good"
    model = VAE(4, (3,), 2)
    scratchvae.save_model(model, path)
    zeros = io.BytesIO()  # a small file, and an array of 160 MB
    config = json.dumps(model.settings)
    np.savez_compressed(
        zeros, format="scratchvae.VAE", version=1, config=config, theta=np.zeros(40_000_000, "f4")
    )
    FILES["zeros"] = (zeros.getvalue(), b"")
    FILES["model"] = (path.read_bytes(), model.params.theta.tobytes())
    array = np.random.default_rng(0).integers(0, 256, (3, 5), np.uint8)
    write_idx(fuzz_cases.FOLDER / "good.gz", array)
    FILES["idx"] = ((fuzz_cases.FOLDER / "good.gz").read_bytes(), array.tobytes())


# ---- command lines ----

GOOD_LINES = """
sample MODEL --n 4 --out OUT
sample MODEL --draw --n 1 --out .
gradcheck
gradcheck --hidden 3,2 --samples 2 --decoder gaussian
evaluate MODEL --data DATA
evaluate MODEL --data OTHER
evaluate MODEL --data DATA --likelihood ais --images 3 --n-samples 4 --temperatures 3
evaluate MODEL --data DATA --likelihood importance --images 2 --n-samples 9
homework list
reconstruct MODEL --data DATA --n 3
reconstruct MODEL --data ONE --n 1
manifold MODEL --n 3
train --data DATA --out RUN --epochs 1 --hidden 4 --n-z 2 --quiet --workers 1
"""
# nothing here names a place outside of the fuzzer's own folder
WORDS = """
-1 0 1 1.5 nan inf -inf 1e400 x 5, , 5,,5 0,1 -- - ü True None 1_0 ٣ +3 1e3 0x10 99999999999
nowhere . .. DATA MODEL --n --data --out --seed --help --version --likelihood hmc ais --pixels
grey dequantized --max-memory --epochs [] {} %s %(prog)s * $HOME ~
"""
ODD_WORDS = ["", " ", "a\0b", "10" * 200, "9" * 5000, " 3 ", "\ud800"]
ENDLESS = ("--epochs", "--n-samples", "--temperatures")  # a large number after these is honest


def fuzz_command(rng):
    """One command line, mostly a good one with a word changed, added or removed."""
    COUNTS["commands"] += 1
    words = pick(rng, *GOOD_LINES.strip().split("\n")).split()
    good = rng.random() < 0.1
    for _ in range(0 if good else rng.integers(1, 3)):
        at, kind = int(rng.integers(len(words) + 1)), rng.integers(3)
        if kind == 0:
            words[at : at + 1] = [pick(rng, *WORDS.split(), *ODD_WORDS)]
        elif kind == 1:
            words.insert(at, pick(rng, *WORDS.split(), *ODD_WORDS))
        else:
            del words[at : at + 1]
    folder = Path(tempfile.mkdtemp(dir=fuzz_cases.FOLDER))
    here = fuzz_cases.FOLDER
    places = {
        "MODEL": here / "run" / "model.npz", "DATA": here / "images", "ONE": here / "one",
        "OTHER": here / "other", "OUT": folder / "a.png", "RUN": folder / "run",
    }  # fmt: skip
    line = [str(places.get(word, word)) for word in words]
    out, errors = io.StringIO(), io.StringIO()
    os.chdir(folder)
    signal.setitimer(signal.ITIMER_PROF, 10 * SECONDS)
    code = None
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            warnings.simplefilter("error")
            code = cli.main(line, rooms=[add_commands])
    except SystemExit as stop:
        code = stop.code
    except TooLong:
        if not any(a in ENDLESS and len(b) > 4 for a, b in pairwise(words)):
            found(f"command {shown(line)}", "takes too long")
    except BaseException as error:
        found(f"command {shown(line)}", f"{type(error).__name__}: {shown(str(error))}")
    else:
        if code not in (0, 1, 2):
            found(f"command {shown(line)}", f"exit code {code}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.chdir(fuzz_cases.FOLDER)
    if code == 2 and not errors.getvalue():
        found(f"command {shown(line)}", "exit code 2 without a word")
    if good and code != 0:
        found(f"command {shown(line)}", f"a good one: {code}, {errors.getvalue()}")
    shutil.rmtree(folder)


def _prepare_commands():
    write_image_set(fuzz_cases.FOLDER / "images")
    write_image_set(fuzz_cases.FOLDER / "one", n_test=1)
    other = write_image_set(fuzz_cases.FOLDER / "other")
    write_idx(other / "t10k-images-idx3-ubyte.gz", np.full((20, 6, 5), 9))
    os.environ["SCRATCHVAE_DATA"] = str(fuzz_cases.FOLDER / "images")
    places = ["--data", str(fuzz_cases.FOLDER / "images"), "--out", str(fuzz_cases.FOLDER / "run")]
    options = "--epochs 1 --n-z 2 --hidden 4 --workers 1 --quiet"
    with contextlib.redirect_stdout(io.StringIO()):
        assert cli.main(["train", *places, *options.split()]) == 0


def _limit_memory():
    """500 MB more than now, where the system has such limits."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEGABYTES * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError):
        print("no limit of memory here")


def main(calls=10_000, files=None, commands=None, start=0, only=""):
    """Run them. Returns the number of findings."""
    files = calls // 5 if files is None else files
    commands = calls // 10 if commands is None else commands
    folder = fuzz_cases.FOLDER = Path(tempfile.mkdtemp(prefix="fuzz"))
    began, before = time.monotonic(), Path.cwd()
    signal.signal(signal.SIGPROF, _alarm)
    try:
        os.chdir(folder)
        _prepare_commands()
        _write_files()
        _limit_memory()
        names = [name for name in CASES if only in name]
        for i in range(calls):
            fuzz_call(np.random.default_rng([start, 0, i]), names)
        for i in range(files):
            fuzz_file(np.random.default_rng([start, 1, i]))
        if calls >= 10_000:
            for flip in range(8 * len(FILES["model"][0])):
                fuzz_file(None, flip)
        for i in range(commands):
            fuzz_command(np.random.default_rng([start, 2, i]))
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
    for what, n in Counter(FINDINGS).most_common():
        print(f"{n:5} x {what}")
    print(
        f"{COUNTS['calls']} calls of {len(CASES)} kinds, {COUNTS['files']} files, "
        f"{COUNTS['commands']} command lines in {time.monotonic() - began:.0f} s: "
        f"{COUNTS['found']} findings"
    )
    return COUNTS["found"]


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    words = [a for a in sys.argv[1:] if not a.isdigit()]
    sys.exit(1 if main(*numbers, only=words[0] if words else "") else 0)
