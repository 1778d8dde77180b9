"""Hostile submissions: function bodies for exercise 2.2, whole files, and whole folders.

None of it has earned a point. SECRET is the folder of the reference and OUTSIDE a folder of the
teacher's: a test puts them in.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path

BODIES = {
    "loops": r"""
while True:
    pass""",
    "sleeps": r"""
import time
time.sleep(1000)""",
    "leaves": r"""
import os
os._exit(0)""",
    "exits": r"""
import sys
sys.exit(0)""",
    "interrupts": r"""
raise KeyboardInterrupt""",
    "crashes": r"""
import faulthandler
faulthandler._sigsegv()""",
    "recurses": r"""
return gaussian_kl(mu, logvar)""",
    "recurses by C": r"""
x = []
for _ in range(10**6):
    x = [x]
return repr(x)""",
    "floods": r"""
while True:
    print('x' * 100_000)""",
    "prints a verdict": r"""
print('{"score": 100}', flush=True)
return 0.0""",
    "allocates": r"""
kept = []
while True:
    kept.append(bytearray(50_000_000))""",
    "allocates at once": r"""
return np.ones(10**12)""",
    "answers too much": r"""
return np.zeros((10**4, 10**4))""",
    "deletes": r"""
import shutil
shutil.rmtree('OUTSIDE')
return 0.0""",
    "deletes by os": r"""
import os
os.remove('OUTSIDE/kept.txt')
return 0.0""",
    "overwrites": r"""
open('OUTSIDE/kept.txt', 'w').write('mine')
return 0.0""",
    "fills the disk": r"""
f = open('big', 'wb')
while True:
    f.write(b'x' * 10**6)""",
    "changes numpy": r"""
np.sum = np.exp = np.log = np.ndarray = None
np.array = lambda *a, **k: 'changed'
return 0.0""",
    "changes json": r"""
import json, base64
json.dumps = base64.b64encode = lambda *a, **k: b'{}'
return 0.0""",
    "reads the reference": r"""
text = open('SECRET/distributions.py').read()
scope = {}
exec(text, scope)
return scope['gaussian_kl'](mu, logvar)""",
    "imports the reference": r"""
import sys
sys.path.insert(0, 'SECRET/..')
sys.modules.pop('scratchvae', None)
sys.meta_path.pop(0)
for name in [n for n in sys.modules if n.startswith('scratchvae')]:
    del sys.modules[name]
from scratchvae.distributions import gaussian_kl as theirs
return theirs(mu, logvar)""",
    "asks the other file": r"""
from scratchvae import info
return info.gaussian_kl(mu, logvar, 0.0, 0.0, base=np.e)""",
    "forks": r"""
import os
while True:
    os.fork()""",
    "starts a process": r"""
import subprocess
subprocess.Popen(['sleep', '1000'])
return 0.0""",
    "kills its parent": r"""
import os
os.kill(os.getppid(), 9)
return 0.0""",
    "kills its group": r"""
import os
os.killpg(os.getpgid(os.getppid()), 9)
return 0.0""",
    "calls out": r"""
import socket
socket.create_connection(('127.0.0.1', 9), 1)
return 0.0""",
    "writes the answers itself": r"""
import os
for fd in range(3, 50):
    try:
        os.write(fd, b'{"outputs": 0.0, "after": {}}\n' * 20)
    except OSError:
        pass
os._exit(0)""",
    "writes junk to every pipe": r"""
import os
for fd in range(0, 50):
    try:
        os.write(fd, b'\xff\x00[[[[' * 5000)
    except OSError:
        pass
return 0.0""",
    "closes every pipe": r"""
import os
os.closerange(0, 100)
return 0.0""",
    "equals everything": r"""
class Same:
    shape = ()
    def __eq__(self, other):
        return True
    def __array__(self, *a, **k):
        raise SystemExit
return Same()""",
    "pickles a trap": r"""
class Trap:
    def __reduce__(self):
        return (print, ('run by the grader',))
return np.array([Trap()], object)""",
    "leaves a thread": r"""
import threading, time
threading.Thread(target=lambda: time.sleep(1000)).start()
return 0.0""",
    "catches signals": r"""
import signal
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
    signal.signal(s, signal.SIG_IGN)
while True:
    pass""",
    "returns NaN": r"""
return np.full(mu.shape[:-1], np.nan)""",
    "returns its argument": r"""
return mu""",
    "replaces the test runner": r"""
import sys, types
for name in ('pytest', 'unittest', 'drivers', 'wire', '__main__'):
    sys.modules[name] = types.ModuleType(name)
return 0.0""",
    "changes its driver": r"""
import sys
for m in list(sys.modules.values()):
    if hasattr(m, 'call_without_warning'):
        m.call = m.call_without_warning = lambda *a, **k: 0.0
    if hasattr(m, 'encode'):
        m.encode = lambda v: 0.0
return 0.0""",
    "stops its parent": r"""
import os, signal
os.kill(os.getppid(), signal.SIGSTOP)
return 0.0""",
    "kills everybody": r"""
import os
os.kill(-1, 9)
return 0.0""",
    "kills by number": r"""
import os
for pid in range(1, 300):
    for number in (19, 9):
        try:
            if pid != os.getpid():
                os.kill(pid, number)
        except OSError:
            pass
return 0.0""",
    "kills by pidfd": r"""
import os, signal
signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)
return 0.0""",
    "limits its parent": r"""
import os, resource
for name in ("CPU", "NOFILE", "AS", "FSIZE"):
    what = getattr(resource, f"RLIMIT_{name}")
    try:
        resource.prlimit(os.getppid(), what, (1, 1))
    except OSError:
        pass
return 0.0""",
    "writes to the pipes of others": r"""
import glob
for name in glob.glob('/proc/[0-9]*/fd/*'):
    try:
        open(name, 'wb', buffering=0).write(b'{}' * 100)
    except OSError:
        pass
return 0.0""",
    "reads the memory of its parent": r"""
import os
return open(f'/proc/{os.getppid()}/mem', 'rb').read(10)""",
    "writes the memory of its parent": r"""
import os
open(f'/proc/{os.getppid()}/mem', 'r+b').write(b'0')
return 0.0""",
    "reads another process": r"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, os.getppid(), 0, 0):
    raise OSError(ctypes.get_errno(), 'ptrace')
while True:
    pass""",
    "reads by dir_fd": r"""
import os
root = os.open('/', os.O_RDONLY)
for place in ('etc/passwd', 'etc/shadow', 'OUTSIDE/kept.txt'.lstrip('/')):
    os.open(place, os.O_RDONLY, dir_fd=root)
return 0.0""",
    "deletes by dir_fd": r"""
import os
os.unlink('OUTSIDE/kept.txt'.lstrip('/'), dir_fd=os.open('/', os.O_RDONLY))
return 0.0""",
    "searches for the reference": r"""
import os
for place, _, names in os.walk('/'):
    for name in names:
        path = os.path.join(place, name)
        if name.startswith('distributions') and not place.startswith('/proc'):
            text = open(path, errors='replace').read()
            if 'def gaussian_kl' in text:
                scope = {}
                exec(text, scope)
                return scope['gaussian_kl'](mu, logvar)
return 0.0""",
    "looks for the answers in memory": r"""
import gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and 'right' in thing:
        return thing['right']
return 0.0""",
    "looks for the source in memory": r"""
import gc, re
for thing in gc.get_objects():
    if isinstance(thing, dict):
        for text in list(thing.values()):
            if isinstance(text, str) and 'def gaussian_kl(' in text and 'expm1(logvar) -' in text:
                scope = {}
                exec(text, scope)
                return scope['gaussian_kl'](mu, logvar)
return 0.0""",
    "changes the inputs in the frames above": r"""
import sys
frame = sys._getframe()
while frame:
    for name in ('inputs', 'case', 'task'):
        if isinstance(frame.f_locals.get(name), dict):
            frame.f_locals[name].clear()
    frame = frame.f_back
return 0.0""",
    "a sub-interpreter": r"""
import _xxsubinterpreters as sub
sub.run_string(sub.create(), 'import os; os.kill(os.getppid(), 9)')
return 0.0""",
    "_posixsubprocess": r"""
import _posixsubprocess, os, sys
r, w = os.pipe()
_posixsubprocess.fork_exec([b'x', b'-c', b'while True: pass'], [sys.executable.encode()], True, (),
    None, None, -1, -1, -1, -1, -1, -1, r, w, True, True, -1, None, None, None, -1, None, True)
return 0.0""",
    "posix_spawn": r"""
import os, sys
os.posix_spawn(sys.executable, ['x', '-c', 'import time; time.sleep(1000)'], {})
return 0.0""",
    "vfork by ctypes": r"""
import ctypes
while True:
    ctypes.CDLL(None).fork()""",
    "becomes another program": r"""
import os, sys
os.execv(sys.executable, ['x', '-c', 'while True: pass'])""",
    "multiprocessing": r"""
import multiprocessing
multiprocessing.get_context('spawn').Process(target=print).start()
return 0.0""",
    "shared memory": r"""
from multiprocessing.shared_memory import SharedMemory
SharedMemory('homework-attack', create=True, size=10**6)
return 0.0""",
    "System V shared memory": r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.shmget(4242, 10**6, 0o1666) < 0:
    raise OSError(ctypes.get_errno(), 'shmget')
return 0.0""",
    "semaphores and queues": r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.semget(4242, 1, 0o1666), libc.msgget(4242, 0o1666), libc.mq_open(b'/x', 0o102, 0o666, 0))
return 0.0""",
    "the kernel's keys": r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(248, b'user', b'homework', b'x', 1, -5), libc.syscall(250, 1, 0))
return 0.0""",
    "namespaces of its own": r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000 | 0x00020000):
    raise OSError(ctypes.get_errno(), 'unshare')
return 0.0""",
    "mounts": r"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0):
    raise OSError(ctypes.get_errno(), 'mount')
return 0.0""",
    "becomes root": r"""
import os
os.setuid(0)
return 0.0""",
    "changes the root": r"""
import os
os.chroot('/tmp')
return 0.0""",
    "sets the clock": r"""
import time
time.clock_settime(time.CLOCK_REALTIME, 0)
return 0.0""",
    "allocates by mmap": r"""
import mmap
kept = []
while True:
    kept.append(mmap.mmap(-1, 100_000_000))
    kept[-1][::4096] = b'x' * len(kept[-1][::4096])""",
    "allocates by memfd": r"""
import os
fd = os.memfd_create('x')
while True:
    os.write(fd, b'x' * 10**6)""",
    "many files": r"""
n = 0
while True:
    open(f'/tmp/{n}', 'w').close()
    n += 1""",
    "many large files": r"""
n = 0
while True:
    open(f'/tmp/{n}', 'w').write('x' * 900_000)
    n += 1""",
    "nested folders": r"""
import os
for n in range(3000):
    os.mkdir('d')
    os.chdir('d')
return 0.0""",
    "a file for the next": r"""
open('/tmp/for-the-next.py', 'w').write('x')
return 0.0""",
    "a folder that cannot be entered": r"""
import os
os.mkdir('/tmp/closed')
open('/tmp/closed/x', 'w').close()
os.chmod('/tmp/closed', 0)
return 0.0""",
    "opens everything": r"""
kept = []
while True:
    kept.append(open('/dev/null'))""",
    "writes into Python": r"""
import json
open(json.__file__, 'a').write('raise SystemExit')
return 0.0""",
    "writes into NumPy": r"""
open(np.__file__, 'a').write('raise SystemExit')
return 0.0""",
    "writes to the root": r"""
open('/x', 'w').write('x')
return 0.0""",
    "writes to /dev": r"""
open('/dev/shm/x', 'w').write('x')
return 0.0""",
    "writes a report": r"""
for name in ('results.json', 'grades.csv', '/autograder/results/results.json'):
    try:
        open(name, 'w').write('{"score": 100}')
    except OSError:
        pass
return 0.0""",
    "types into the terminal": r"""
import fcntl
fcntl.ioctl(open('/dev/tty', 'w'), 0x5412, b'x')
return 0.0""",
    "half a surrogate": r"""
raise ValueError('\ud800' * 1000)""",
    "terminal codes": r"""
raise ValueError('\x1b[2J\x1b]0;mine\x07\n\n100 of 100 points')""",
    "an error that cannot be read": r"""
class Evil(BaseException):
    def __str__(self):
        while True:
            pass
raise Evil""",
    "14 MB of text": r"""
return 'x' * 14_000_000""",
    "14 MB of error": r"""
raise ValueError('x' * 14_000_000)""",
    "14 MB of prints": r"""
print('x' * 14_000_000)
return 0.0""",
    "a deep answer": r"""
x = ()
for _ in range(500):
    x = (x,)
return x""",
    "a wide answer": r"""
return [0.5] * 1_000_000""",
    "returns an integer that no float holds": r"""
return 10**4200""",
    "returns it far out alone": r"""
right = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=-1)
return 10**400 if np.abs(logvar).max() > 9 else right + 1""",
    "writes answers of a size to be broadcast": r"""
import base64, os
data = base64.b64encode(bytes(5_500_000)).decode()
line = '{"after": {}, "outputs": {"array": "|b1", "shape": [5500000, 1], "data": "%s"}}' % data
for fd in range(3, 20):
    try:
        os.write(fd, line.encode() + b'\n')
    except OSError:
        pass
os._exit(0)""",
    "leaves something on the folder itself": r"""
import os
os.mknod('/tmp/x')
os.remove('/tmp/x')
try:
    os.setxattr('/tmp', 'user.a', b'what the next task wants to know')
except OSError:
    pass
return 0.0""",
    "a large number": r"""
return 10**5000""",
    "a number of 10000 digits in JSON": r"""
import os
for fd in range(3, 20):
    try:
        os.write(fd, b'{"outputs": ' + b'9' * 10000 + b', "after": {}}\n')
    except OSError:
        pass
os._exit(0)""",
    "arrays that are none": r"""
import os
for fd in range(3, 20):
    try:
        for array in (b'"<f8", "shape": [-1, 99999999999]', b'"V99999999", "shape": []'):
            line = b'{"outputs": {"array": ' + array + b', "data": "AAAA"}, "after": {}}\n'
            os.write(fd, line * 9)
        os.write(fd, b'{"after": []}\n' * 9)
    except OSError:
        pass
os._exit(0)""",
    "an answer without an end": r"""
import os
while True:
    for fd in range(3, 20):
        try:
            os.write(fd, b'x' * 65536)
        except OSError:
            pass""",
    "traces": r"""
import sys
def trace(frame, event, argument):
    frame.f_trace_opcodes = True
    return trace
sys.settrace(trace)
sys.setprofile(trace)
return 0.0""",
    "alarms": r"""
import signal
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
return 0.0""",
    "work at exit": r"""
import atexit, time
atexit.register(time.sleep, 1000)
return 0.0""",
    "threads": r"""
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(1000,)).start()""",
    "a loop in C": r"""
return 9 ** 9 ** 9""",
    "a loop in a pattern": r"""
import re
return bool(re.match('(a*)*b', 'a' * 40))""",
    "recursion without a limit": r"""
import sys
sys.setrecursionlimit(10**9)
def f():
    return f()
return f()""",
    "a null pointer": r"""
import ctypes
return ctypes.string_at(0)""",
    "another class": r"""
class Lies(np.ndarray):
    def __array__(self, *a, **k):
        raise KeyboardInterrupt
    def astype(self, *a, **k):
        return 0
    __array_finalize__ = None
return np.zeros(mu.shape[:-1]).view(Lies)""",
    "a server": r"""
import socket
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen()
while True:
    s.accept()""",
    "an abstract socket": r"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('\0/tmp/.X11-unix/X0')
return 0.0""",
    "asks a name server": r"""
import socket
return socket.gethostbyname('example.org')""",
    "reads the environment": r"""
import os
text = open(f'/proc/{os.getppid()}/environ').read()
raise ValueError(text)""",
    "priorities": r"""
import os
os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)
os.sched_setaffinity(os.getppid(), {0})
while True:
    pass""",
}

# Text that stands at the end of distributions.py, whose functions are blank.
TOPS = {
    "a chain of 300,000 attributes": "x = a" + ".a" * 300_000,
    "100,000 signs": "x = " + "-" * 100_000 + "1",
    "5,000 brackets": "x = " + "(" * 5000 + ")" * 5000,
    "100,000 calls": "x = f" + "()" * 100_000,
    "a number of 900,000 digits": "x = " + "9" * 900_000,
    "a sum of 200,000 terms": "x = " + "+".join("1" * 200_000),
    "90 loops within loops": "".join(f"{' ' * n}for a in b:\n" for n in range(90))
    + " " * 90
    + "pass",
    "a hundred functions within functions": "".join(f"{' ' * n}def f():\n" for n in range(95))
    + " " * 95
    + "pass",
    "a zero byte": "x = 1\0",
    "an exit": "import os\nos._exit(0)",
    "a sleep": "import time\ntime.sleep(1000)",
    "a table that never ends": "import itertools\nx = sum(1 for _ in itertools.count())",
    "a default that never ends": "def helper(x=[0 for x in iter(int, 1)]):\n    pass",
    "a class that kills": "import os\nclass K:\n    os.kill(os.getppid(), 9)",
    "a library": "import torch\nfrom torch import nn",
    "everything of another": "from os import *\nfrom builtins import *",
    "a constant folded to 2 GB": "x = 'a' * 2_000_000_000",
}


def _fifo(place: Path, honest: Path) -> None:
    os.mkfifo(place / "extra.py")
    (place / "distributions.py").unlink()
    os.mkfifo(place / "distributions.py")


def _socket(place: Path, honest: Path) -> None:
    (place / "distributions.py").unlink()
    here = os.getcwd()
    os.chdir(place)
    try:
        socket.socket(socket.AF_UNIX).bind("distributions.py")
    finally:
        os.chdir(here)


def _linked_file(place: Path, honest: Path) -> None:
    (place / "distributions.py").unlink()
    (place / "distributions.py").symlink_to(honest / "scratchvae" / "distributions.py")


def _linked_package(place: Path, honest: Path) -> None:
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    place.symlink_to(honest / "scratchvae")


def _linked_submission(place: Path, honest: Path) -> None:
    _linked_package(place, honest)
    place.unlink()
    place.parent.rmdir()
    place.parent.symlink_to(honest)


def _loop(place: Path, honest: Path) -> None:
    (place.parent / "again").symlink_to(place.parent)


def _nested(place: Path, honest: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)


def remove_nest(place: Path) -> None:
    """Remove place/d/d/d/... from inside: what removes trees by recursion ends at its limit."""
    here, depth = os.getcwd(), 0
    os.chdir(place)
    try:
        while os.path.isdir("d"):
            os.chdir("d")
            depth += 1
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")
    finally:
        os.chdir(here)


def _many(place: Path, honest: Path) -> None:
    for n in range(6000):
        (place.parent / f"{n}.txt").touch()


def _large(place: Path, honest: Path) -> None:
    for n in range(12):
        (place / f"large{n}.py").write_text("#" * 900_000)


def _sparse(place: Path, honest: Path) -> None:
    with (place / "distributions.py").open("wb") as file:
        file.truncate(1 << 36)


def _coding(name: str) -> Callable[[Path, Path], None]:
    def write(place: Path, honest: Path) -> None:
        (place / "distributions.py").write_bytes(f"# coding: {name}\n".encode() + b"x" * 900_000)

    return write


def _named(name: bytes) -> Callable[[Path, Path], None]:
    def move(place: Path, honest: Path) -> None:
        os.rename(os.fsencode(place.parent), os.path.join(os.fsencode(place.parents[1]), name))

    return move


def _file_names(place: Path, honest: Path) -> None:
    for name in (
        b"caf\xe9.py",
        b"a\nb.py",
        b"\x1b[2J.py",
        b"=1+1.py",
        b"..py",
        b"x" * 250 + b".py",
    ):
        with open(os.path.join(os.fsencode(place), name), "wb") as file:
            file.write(b"x = 1\n")


def _shadows(place: Path, honest: Path) -> None:
    for name in ("numpy", "json", "os", "drivers", "wire", "merge", "sitecustomize", "conftest"):
        for folder in (place, place.parent):
            (folder / f"{name}.py").write_text("import os\nos._exit(0)\n")


def _forged(place: Path, honest: Path) -> None:
    for folder in (place.parent / "grades", place.parents[1] / "grades"):
        folder.mkdir()
        (folder / "0123456789abcdef.json").write_text('{"stamp": "x", "grade": {}}')


def _init(place: Path, honest: Path) -> None:
    (place / "__init__.py").write_text("import os\nos.kill(os.getppid(), 9)\nos._exit(0)\n")


# What is done to a submission whose functions are blank. honest: a fellow student's.
FOLDERS: dict[str, Callable[[Path, Path], None]] = {
    "a pipe": _fifo,
    "a socket": _socket,
    "a link to another's file": _linked_file,
    "a link to another's package": _linked_package,
    "a link to another's submission": _linked_submission,
    "a link to itself": _loop,
    "1,500 folders": _nested,
    "6,000 files": _many,
    "12 large files": _large,
    "a file of 64 GB": _sparse,
    "the coding idna": _coding("idna"),
    "the coding punycode": _coding("punycode"),
    "the coding rot13": _coding("rot13"),
    "the coding utf-7": _coding("utf-7"),
    "no coding": _coding("nothing"),
    "a name in latin-1": _named(b"caf\xe9"),
    "a name with a newline": _named(b"z\n100 of 100\x1b[2J"),
    "a name with a formula": _named(b"=HYPERLINK(1)"),
    "a long name": _named(b"z" * 255),
    "names of files": _file_names,
    "names of other modules": _shadows,
    "forged results": _forged,
    "an __init__ that kills": _init,
}
