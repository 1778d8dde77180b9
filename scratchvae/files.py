"""Files: the exception for a wrong file, and a write that never leaves half a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileFormatError(Exception):
    """A file is missing, damaged, or of the wrong kind.

    The message has the file's name, and says what is wrong.
    """


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the block another name in the same folder, and let it write to that name.

    If the block ends without an error, the new file is moved over `path`. A move within
    one folder is atomic: a reader of `path` sees the old file or the new file, and
    never a part of one. An interrupted write does not damage the old file. If the block
    raises, the new file is removed.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: {path.parent} is no folder")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
