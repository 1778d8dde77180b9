"""Files: one exception for those that are not what they should be, and writing without ever leaving half a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileFormatError(Exception):
    """A file is missing, damaged, or not of the kind that was asked for. The message names it and says what is wrong."""


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a name beside `path` to write to; when the block ends well, move that file over `path`.

    A move within one folder is atomic: whoever reads `path` sees the old file or the new one, never half of one, and an
    interrupted write loses nothing. If the block raises, the part that was written is removed.
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
