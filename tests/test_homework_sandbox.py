"""Hostile submissions, inside bubblewrap: no point, no honest mark changed, nothing left behind.

On a machine without bubblewrap these tests are skipped by name.
"""

import ast
import copy
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import HANG, until
from homework_hostile import BODIES, FOLDERS, TOPS, remove_nest
from homework_submissions import filled, hand_in

from scratchvae.homework import classroom, make, sandbox, source
from scratchvae.homework.exercises import EXERCISES, select
from scratchvae.homework.grade import Grade, grade
from scratchvae.homework.key import Key
from scratchvae.homework.sandbox import Sandbox
from scratchvae.homework.source import PACKAGE

pytestmark = pytest.mark.skipif(
    bool(sandbox._problem()) and not os.environ.get("CI"),  # never skipped in CI
    reason=f"needs bubblewrap: {sandbox._problem()[:80]}",
)
STANDARD = sys.stdlib_module_names
ASKED = ("2.1", "2.2", "2.3")
SECONDS = 0.7  # for one exercise, or more on a slow machine; the honest ones take a fiftieth of it
JOBS = 4  # at a time: most of the hostile wait until their limit; the honest have room in theirs
MARK = f"SCRATCHVAE_TESTS_{os.getpid()}"  # in the environment of the sandboxes of this run


@dataclass
class Run:
    """What one run of the class came to. before, after: what could be left behind."""

    grades: dict[str, Grade]
    honest: dict[str, list[bytes]]
    before: dict[str, Any]
    after: dict[str, Any]
    csv: bytes
    seconds: float
    most_seconds: float


def _left_behind(outside: Path) -> dict[str, Any]:
    """Files, shared memory and processes that a submission could leave."""
    return {
        "outside": {path.name: path.read_bytes() for path in outside.iterdir()},
        "package": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(PACKAGE.rglob("*.py"))
        },
        "shared memory": sorted(path.name for path in Path("/dev/shm").glob("homework*")),
        "System V": [
            line
            for kind in ("shm", "sem", "msg")
            for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()
            if f" {0x1092} " in line or " 4242 " in line
        ],
        "processes": sorted(_processes()),
    }


def _processes() -> list[str]:
    """The sandboxes of this run, which has marked their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes()
        except OSError:
            continue
        if MARK.encode() in environment:
            found.append(place.name)
    return found


def mark_environment(patch: pytest.MonkeyPatch) -> None:
    """Sandboxes that are started from now on are those of this run."""
    environment = {**sandbox._environment(), MARK: "1"}
    patch.setattr(sandbox, "_environment", lambda: environment)


def _write_class(folder: Path, outside: Path, hostile: bool) -> dict[str, str]:
    """Two honest students, one with a mistake, among the hostile. Returns folder -> kind."""
    hand_in(folder / "ada", source.reference())
    hand_in(folder / "ben", filled("2.3", "return mu + np.exp(logvar) * eps"))
    if not hostile:
        return {}
    kinds: dict[str, str] = {}
    blank = make.blank(EXERCISES).package
    for n, (kind, body) in enumerate(BODIES.items()):
        body = body.replace("OUTSIDE", str(outside)).replace("SECRET", str(PACKAGE))
        kinds[f"b{n:03}"] = kind
        hand_in(folder / f"b{n:03}", filled("2.2", body))
    for n, (kind, top) in enumerate(TOPS.items()):
        text = f"{blank['distributions']}\n\n{top}\n"
        kinds[f"t{n:03}"] = kind
        hand_in(folder / f"t{n:03}", {**blank, "distributions": text})
    for n, (kind, attack) in enumerate(FOLDERS.items()):
        place = hand_in(folder / f"f{n:03}", blank)
        known = {path.name for path in folder.iterdir()} - {place.name}
        attack(place / "scratchvae", folder / "ada")
        new = {path.name for path in folder.iterdir()} - known - {"grades"}
        kinds[new.pop()] = kind
    return kinds


def _run(place: Path, key: Key, hostile: bool, limit: float) -> Run:
    outside = place / "outside"
    outside.mkdir(parents=True)
    (outside / "kept.txt").write_text("kept")
    kinds = _write_class(place / "class", outside, hostile)
    before, start = _left_behind(outside), time.monotonic()
    grades = classroom.grade_all(
        place / "class", place / "marks.csv", key, jobs=JOBS, seconds=limit, quiet=True
    )
    seconds = time.monotonic() - start
    # the limit and 10 s more for each task, which may be tried twice, and with the student's
    # whole class again; the training is a task of twice the limit
    tasks = 4 * ((len(ASKED) + 2) * limit + (len(ASKED) + 1) * 10)
    names = [path.name for path in classroom.submission.students(place / "class")]
    by_name = dict(zip(names, grades))
    kept = {
        name: [place / "marks" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"]
        for name in ("ada", "ben")
    }
    return Run(
        {kind: by_name[name] for name, kind in kinds.items()},
        {name: [path.read_bytes() for path in paths] for name, paths in kept.items()},
        before,
        _left_behind(outside),
        (place / "marks.csv").read_bytes(),
        seconds,
        tasks * len(names),
    )


@pytest.fixture(scope="module")
def key() -> Key:
    """Of the exercises that are asked."""
    return Key(select(ASKED), "bwrap")


@pytest.fixture(scope="module")
def runs(key: Key, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Run]]:
    """The class with the hostile students, and without them.

    The limit of an exercise is what this machine now needs for the three and the training of an
    honest student, with the start of the sandbox: fifty times what one exercise takes.
    """
    place = tmp_path_factory.mktemp("homework")
    honest = hand_in(place / "honest", source.reference())
    with pytest.MonkeyPatch.context() as patch:
        mark_environment(patch)
        start = time.monotonic()
        assert grade(honest, copy.copy(key), seconds=HANG).trains
        limit = max(SECONDS, time.monotonic() - start)
        both = (
            _run(place / "with", copy.copy(key), True, limit),
            _run(place / "without", key, False, limit),
        )
    yield both
    for nest in list((place / "with" / "class").glob("*/d")):
        remove_nest(nest.parent)


@pytest.mark.parametrize("kind", BODIES)
def test_a_hostile_function_gains_nothing(kind: str, runs: tuple[Run, Run]) -> None:
    """No point for it, a sentence on it, and every point of the exercises beside it."""
    first, second, third = runs[0].grades[kind].marks
    assert second.points == 0 and second.sentence and second.kind != "grader"
    assert (first.points, third.points) == (first.most, third.most), (first, third)


@pytest.mark.parametrize("kind", [*TOPS, *FOLDERS])
def test_a_hostile_file_or_folder_gains_nothing(kind: str, runs: tuple[Run, Run]) -> None:
    """No point, and a sentence for each exercise."""
    assert runs[0].grades[kind].points == 0
    assert all(mark.sentence for mark in runs[0].grades[kind].marks)


def test_honest_results_are_the_same_to_the_byte(runs: tuple[Run, Run]) -> None:
    """Whoever sits in the class: what is kept of the honest is the same file."""
    assert runs[0].honest == runs[1].honest
    assert b'"points": 8' in runs[0].honest["ada"][0]


def test_nothing_is_left_behind(runs: tuple[Run, Run]) -> None:
    """No process, no file outside, no shared memory; the package is as it was; and the class ends
    within the limits of its tasks.
    """
    until(lambda: not _processes())
    for run in runs:
        assert {**run.before, "processes": 0} == {**run.after, "processes": 0}
        assert run.seconds < run.most_seconds


def test_a_sandbox_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs is found by the mark that the test above looks for, and only while it runs."""
    mark_environment(monkeypatch)
    call, package = {"module": "p", "name": "f"}, {"__init__": "", "p": "def f(): return 1.0"}
    with Sandbox("bwrap") as box:
        assert box.run(package, "call", call, [{}]).replies[0].outputs == 1.0
        assert _processes()
    until(lambda: not _processes())


def test_the_table_of_the_class_is_small_and_plain(runs: tuple[Run, Run]) -> None:
    """One line for each student, below 5 kB each, printable, and no cell is a formula."""
    lines = runs[0].csv.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 2 + len(BODIES) + len(TOPS) + len(FOLDERS) + 1  # and "grades"
    assert max(map(len, lines)) < 5000
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith(("=", "+", "-", "@")) for line in lines)


# What code inside can see, as a module of the package that it is given.
PROBE = """
import ctypes, glob, os, resource, socket
def opens(family):
    for kind in (1, 2, 3):
        try:
            socket.socket(family, kind).close()
            return True
        except OSError:
            pass
    return False
def probe():
    libc = ctypes.CDLL(None)
    found = [
        os.path.join(place, name) for place, _, names in os.walk("/") for name in names
        if name in ("vae.py", "distributions.py") and not place.startswith("/proc")
    ]
    keys = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
    size = os.statvfs("/tmp")
    try:
        open("/proc/1/environ").read()
        parent = "can be read"
    except OSError:
        parent = "cannot be read"
    return {
        "user": os.getuid(),
        "processes": {int(name[6:]) for name in glob.glob("/proc/[0-9]*")} == {1, os.getpid()},
        "network": ",".join(name for _, name in socket.if_nameindex()),
        "top": ",".join(sorted(os.listdir("/"))),
        "tmp": ",".join(os.listdir("/tmp")),
        "bytes": size.f_blocks * size.f_frsize,
        "package": ",".join(found),
        "writable": ",".join(
            name for name in ("/", "/dev", "/dev/shm", "/tmp", "/usr/lib", "/homework")
            if os.access(name, os.W_OK) and not os.statvfs(name).f_flag & os.ST_RDONLY
        ),
        "keys": libc.syscall(keys, 0, -3, 1),
        "shared memory": libc.shmget(4242, 4096, 0o1666),
        "queue": libc.msgget(4242, 0o1666),
        "unshare": libc.unshare(0x10000000),
        "io_uring": libc.syscall(425, 8, ctypes.create_string_buffer(256)),
        "sockets": ",".join(map(str, sorted(filter(opens, range(46))))),
        "parent": parent,
        "processes allowed": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "environment": ",".join(sorted(os.environ)),
    }
"""


def test_what_code_in_the_sandbox_sees() -> None:
    """Another user; itself and number 1; no network; no package; one empty folder of 64 MB."""
    with Sandbox("bwrap") as box:
        result = box.run(
            {"__init__": "", "p": PROBE}, "call", {"module": "p", "name": "probe"}, [{}]
        )
    seen = result.replies[0].outputs
    assert seen is not None, result
    folders = seen_folders()
    assert set(seen.pop("top").split(",")) == {place.parts[1] for place in folders}
    assert set(seen.pop("tmp").split(",")) - {""} == in_tmp()
    assert set(seen.pop("environment").split(",")) <= {
        *("PATH", "HOME", "LC_ALL", "LC_CTYPE", "PWD", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"),
        *("MKL_NUM_THREADS", "VECLIB_MAXIMUM_NUM_THREADS"),
    }
    # no family but these; that of AF_VSOCK, 40, leads to a virtual machine's host
    assert set(map(int, seen.pop("sockets").split(","))) <= {1, 2, 10, 16}
    assert seen == {
        "user": sandbox.NOBODY,
        "processes": True,
        "network": "lo",
        "bytes": 64 << 20,
        "package": "",
        "writable": "/tmp",
        "keys": -1,
        "shared memory": -1,
        "queue": -1,
        "unshare": -1,
        "io_uring": -1,
        "parent": "cannot be read",
        "processes allowed": 0,
    }


def seen_folders() -> set[Path]:
    """What the command line of bubblewrap names."""
    with sandbox._command("bwrap") as (command, _):
        binds = [command[i + 2] for i, word in enumerate(command) if word == "--ro-bind-try"]
    found = {Path(place) for place in binds if Path(place).exists()}
    return found | {Path("/dev"), Path("/homework"), Path("/proc"), Path("/tmp")}


def in_tmp() -> set[str]:
    """Nothing, unless Python itself stands in /tmp."""
    inside = (place.parts for place in seen_folders() if Path("/tmp") in place.parents)
    return {parts[2] for parts in inside}


def test_a_task_finds_nothing_of_the_one_before() -> None:
    """A file that one task leaves is not there for the next, and neither is its module."""
    write = "def f():\n    open('/tmp/x', 'w').close()\n    return 1.0\n"
    look = "import os\ndef f():\n    return ','.join(os.listdir('/tmp'))\n"
    with Sandbox("bwrap") as box:
        call = {"module": "p", "name": "f"}
        assert box.run({"__init__": "", "p": write}, "call", call, [{}]).replies[0].outputs == 1.0
        there = box.run({"__init__": "", "p": look}, "call", call, [{}]).replies[0].outputs
        assert set(there.split(",")) - {""} == in_tmp()


SCAN = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def f(backwards):
    found, size, out = 0, 1 << 16, ctypes.create_string_buffer(1 << 16)
    needles = [backwards[::-1].encode(coding) for coding in ("latin-1", "utf-16-le", "utf-32-le")]
    top, here = libc.sbrk(0), id(sys.modules["wire"].__dict__)
    for start, end in ((top - (40 << 20), top), (here - (16 << 20), here + (16 << 20))):
        for at in range(start >> 16 << 16, end, size):
            mine, theirs = Span(ctypes.addressof(out), size), Span(at, size)
            n = libc.process_vm_readv(
                os.getpid(), ctypes.byref(mine), ctypes.c_ulong(1), ctypes.byref(theirs),
                ctypes.c_ulong(1), ctypes.c_ulong(0))
            for needle in needles if n > 0 else ():
                i = out.raw.find(needle)
                while i >= 0:
                    wide = len(needle) // len(backwards)
                    rest = out.raw[i + len(needle) : i + len(needle) + 3 * wide : wide]
                    found += rest.isdigit()
                    i = out.raw.find(needle, i + 1)
    return float(found)
"""


def test_the_memory_of_a_task_has_nothing_of_the_one_before() -> None:
    """What one exercise is graded in can be the answer of the next: 3.1 is tested by 3.2."""
    secret = "def f():\n    return 1.0\n" + "".join(f"# ANSWER{k:03} ∂\n" for k in range(1000))
    call = {"module": "p", "name": "f"}
    with Sandbox("bwrap") as box:
        for _ in range(2):
            files = {"__init__": "", "p": secret, **{f"p{i}": f"{i}\n{secret}" for i in range(8)}}
            assert box.run(files, "call", call, [{}]).replies[0].outputs == 1.0
        before = box._process
        (reply,) = box.run(
            {"__init__": "", "p": SCAN}, "call", call, [{"backwards": "REWSNA"}], seconds=20
        ).replies
        assert box._process is before and reply.outputs == 0


def test_a_folder_that_was_touched_is_thrown_away() -> None:
    """Its times, mode and attributes could tell the next task something."""
    touch = "import os\ndef f():\n    os.mknod('/tmp/x')\n    os.remove('/tmp/x')\n    return 1.0\n"
    with Sandbox("bwrap") as box:
        call = {"module": "p", "name": "f"}
        assert box.run({"__init__": "", "p": touch}, "call", call, [{}]).replies[0].outputs == 1.0
        assert box._process is None


def test_a_child_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing has a deadline too: a process that takes nothing ends as one that was stopped."""
    with (
        Sandbox("none") as box,
        sandbox._command("none", f"import time; time.sleep({2 * HANG})") as started,
    ):
        monkeypatch.setattr(sandbox, "_command", _always(started))
        start = time.monotonic()
        big = {"p": "#" * 1_000_000}
        result = box.run(big, "call", {}, [], seconds=-9.5)
        assert result.stopped == sandbox.LOST and time.monotonic() - start < HANG


def test_a_sandbox_runs_beside_many_open_files() -> None:
    """`select` takes descriptors up to 1023: here there are more, and the sandbox answers."""
    resource = pytest.importorskip("resource")  # Windows has none
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 1200:
        pytest.skip("this system allows no 1200 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1200, limits[1]))
    kept = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while kept[-1] < 1100:
            kept.append(os.dup(kept[0]))
        call, package = {"module": "p", "name": "f"}, {"__init__": "", "p": "def f(): return 1.0"}
        with Sandbox("bwrap") as box:
            assert box.run(package, "call", call, [{}]).replies[0].outputs == 1.0
    finally:
        for fd in kept:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_what_the_exercises_import_is_loaded_before_the_forks() -> None:
    """Another user may not read Python's own folder: their files import nothing from there."""
    imports: dict[str, set[str]] = {}
    modules = {exercise.module for exercise in EXERCISES}
    while modules - imports.keys():
        module = (modules - imports.keys()).pop()
        tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
        plain = {
            name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names
        }
        parts = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
        imports[module] = plain | parts
        modules |= {name.split(".")[1] for name in parts if name.startswith("scratchvae.")}
    standard = {n for names in imports.values() for n in names if n.split(".")[0] in STANDARD}
    loading = """if True:
        import runpy, sys
        child = runpy.run_path(sys.argv[1], run_name="child")
        for name in child["READY"]:
            child["importlib"].import_module(name)
        print(*sys.modules)"""
    command = [sys.executable, "-I", "-S", "-c", loading, str(PACKAGE / "homework" / "child.py")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "zlib" in standard and standard - set(loaded) == set()


def _always(value: Any) -> Any:
    class Given:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> Any:
            return value

        def __exit__(self, *_: object) -> None:
            pass

    return Given
