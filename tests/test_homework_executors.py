"""A class graded by the workers of an executor: as by threads of this process, to the byte."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from homework_hostile import BODIES
from homework_submissions import best_sandbox, filled, hand_in

from scratchvae import cli
from scratchvae.homework import asked, classroom, source
from scratchvae.homework import cli as room
from scratchvae.homework.exercises import select
from scratchvae.homework.key import Key
from scratchvae.homework.submission import Submission
from scratchvae.processes import SPAWN

CHOSEN = ("1.6", "2.2")
SANDBOX = best_sandbox()
SIGN = "return -0.5 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"
HOSTILE = (
    "import os\nos._exit(0)",
    "while True:\n    pass",
    "return '\\ud800' * 999 + '\\x1b[31m'",
    next(iter(BODIES.values())).replace("OUTSIDE", "/nowhere").replace("SECRET", "/nowhere"),
)


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(select(CHOSEN), SANDBOX)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, SPAWN) as opened:
        yield opened


def write_class(folder: Path) -> Path:
    """Right, wrong, hostile, empty, no Python, not asked for, and a name that is no text."""
    hand_in(folder / "ada", source.reference())
    hand_in(folder / "ben", filled("2.2", SIGN))
    for n, body in enumerate(HOSTILE):
        hand_in(folder / f"eve{n}", filled("2.2", body))
    (folder / "cyn").mkdir()
    hand_in(folder / "dan", {"info": "def (", "distributions": "x = '\x00'"})
    place = hand_in(folder / "fay", source.reference()) / "scratchvae" / asked.NAME
    place.write_text('{"exercises": ["2.2"], "title": "T", "version": "0", "points": 8}')
    hand_in(folder / os.fsdecode(b"g\xff") if sys.platform == "linux" else folder / "g", {})
    return folder


def keys_made() -> int:
    """How many keys this process has worked out."""
    return classroom._key.cache_info().misses


def test_processes_give_what_threads_give(
    key: Key, pool: ProcessPoolExecutor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CSV and all that is kept have the same bytes; the key is worked out once a process."""
    folder = write_class(tmp_path / "class")
    tables, kept = [], []
    for name, executor in (("threads", None), ("processes", pool)):
        table = tmp_path / f"{name}.csv"
        grades = classroom.grade_all(folder, table, key, jobs=2, executor=executor, seconds=1)
        assert "kept from before" not in capsys.readouterr().err
        tables.append(table.read_bytes())
        kept.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    points = {grade.name: grade.points for grade in grades}
    assert points["ada"] == points["ben"] + 8 == points["fay"] + key.exercises[0].points
    assert tables[0] == tables[1] and kept[0] == kept[1] and len(kept[0]) >= len(grades) - 1
    assert [pool.submit(keys_made).result() for _ in range(4)] <= [1] * 4


def test_kept_results_need_no_worker(
    key: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What threads graded is taken over: an executor that is shut down would refuse the work."""
    hand_in(tmp_path / "class" / "ada", source.reference())
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    for executor in (None, closed):
        classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", key, executor=executor)
    assert "kept from before" in capsys.readouterr().err


def test_a_submission_is_sent_whole(tmp_path: Path) -> None:
    """All that grading reads comes back as it was, lone surrogates too."""
    record = asked.Asked(("2.2",), "T", "1")
    for one in (
        Submission("a\udcff", {"info": "'\ud800'\x00"}, {"vae": "no"}, "note", [], record),
        Submission("b"),
    ):
        assert classroom._received(classroom._sent(one)) == one
        assert classroom._sent(one).isascii()


@pytest.mark.parametrize("part", ["reference", "grader code", "Python or NumPy"])
def test_a_worker_that_differs_refuses(
    part: str,
    key: Key,
    pool: ProcessPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence that names what differs; nothing is graded, nothing kept, no table."""
    hand_in(tmp_path / "class" / "ada", source.reference())
    if part == "reference":
        monkeypatch.setattr(key, "reference", {**key.reference, "info": "x = 1"})
    elif part == "grader code":
        monkeypatch.setattr(classroom, "CODE", {**classroom.CODE, "judge.py": "x = 1"})
    else:
        monkeypatch.setattr(classroom.np, "__version__", "9.9")
    with pytest.raises(ValueError, match=f"differs in {part} from the process that asks it"):
        classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", key, executor=pool)
    assert not list((tmp_path / "g").iterdir()) and not (tmp_path / "g.csv").exists()


def die(*_: object) -> None:
    """As a worker that the system ends."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies(key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ChildProcessError that says how to go on; what was graded before is kept."""
    for name in ("ada", "ben"):
        hand_in(tmp_path / "class" / name, source.reference())
    classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", key)
    hand_in(tmp_path / "class" / "cyn", source.reference())
    monkeypatch.setattr(classroom, "grade_sent", die)
    died = pytest.raises(
        ChildProcessError, match=r"died during .* cyn; .* goes on from there.*graded here"
    )
    with died, ProcessPoolExecutor(1, SPAWN) as pool:
        classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", key, executor=pool)
    assert len(list((tmp_path / "g").iterdir())) == 2


def raise_for_ben(handed_in: str, *rest: object) -> dict[str, object]:
    """A worker that cannot grade one of the submissions."""
    if '"ben"' in handed_in:
        raise RuntimeError("no")
    return classroom.grade_sent(handed_in, *rest)  # type: ignore[arg-type]


def test_a_failure_does_not_stop_the_others(
    key: Key, pool: ProcessPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are graded and kept; a line and the sentence at the end name the submission."""
    for name in ("ada", "ben", "cyn"):
        hand_in(tmp_path / "class" / name, source.reference())
    monkeypatch.setattr(classroom, "grade_sent", raise_for_ben)
    with pytest.raises(ChildProcessError, match="the grading of ben failed: RuntimeError"):
        classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", key, executor=pool)
    assert len(list((tmp_path / "g").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--all", "class", "--dask", "tcp://x", "--mpi"], "--dask and --mpi are both given"),
        (["class/ada", "--mpi"], "they need --all FOLDER"),
        (["--all", "class", "--mpi", "--sandbox", "user:nobody"], "need --sandbox bwrap"),
        (["--all", "class", "--mpi", "--sandbox", "none"], "need --sandbox bwrap"),
        (["--all", "class", "--dask", ""], "--dask is empty"),
    ],
)
def test_options_that_do_not_fit(
    options: list[str],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence, exit code 2, before any work."""
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "ada", source.reference())
    assert cli.main(["homework", "grade", *options], rooms=[room.add_commands]) == 2
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["class"]
