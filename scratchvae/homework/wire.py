"""Values as JSON and back: arrays, numbers, text, tuples. And text that is safe to show.

No pickle: what comes back from a student's process can only be data.
"""

import base64
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

Json = Any
LAST = "what your function returned before"
LARGEST = 4_000_000  # bytes of one array
DEEPEST = 8  # tuples within tuples
LONGEST = 1000  # values of a generator
MOST_TEXT = 300  # characters of a text that a submission brings


class Opaque:
    """Something that is no data; only the name of its type came over."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def plain(text: str, most: int = MOST_TEXT) -> str:
    """One line of printable text, at most so long.

    A newline, a terminal code or half of a surrogate pair becomes its escape sequence, as `\\n`.
    """
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text[: most + 1]
    )
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def encode(value: object) -> Json:
    """The value as JSON."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        array = np.array(value, copy=True, subok=False)
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            array = array.astype(np.float64)  # longdouble differs from machine to machine
        if array.dtype.kind in "biuf" and array.nbytes <= LARGEST:
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
            return {
                "array": array.dtype.str,
                "shape": list(array.shape),
                "data": base64.b64encode(array.tobytes()).decode(),
            }
        return {"opaque": f"array of {array.dtype}, {array.shape}"}
    if isinstance(value, tuple | list):
        return {"tuple": [encode(part) for part in value]}
    if isinstance(value, dict):
        return {"dict": {str(key): encode(part) for key, part in value.items()}}
    if isinstance(value, Iterator):  # a generator, a map: what it unpacks into
        return {"tuple": [encode(part) for part in islice(value, LONGEST)]}
    return {"opaque": type(value).__name__}


def afterwards(
    sent: dict[str, Json], inputs: dict[str, object], outputs: object, encoded: Json
) -> dict[str, Json]:
    """The arguments that a call changed, as JSON; and LAST if it changed what the last returned.

    sent: the arguments before. outputs, encoded: what the last call returned; a generator is used
    up by then.
    """
    now = {name: encode(inputs[name]) for name in sent if name in inputs}
    changed = {name: value for name, value in now.items() if value != sent[name]}
    arrays = isinstance(outputs, np.ndarray | tuple | list)
    return changed | ({LAST: True} if arrays and encode(outputs) != encoded else {})


def raised(error: BaseException) -> list[str]:
    """Its type and its text, as JSON. What is a ValueError or a TypeError is called that."""
    kinds = [kind.__name__ for kind in (ValueError, TypeError) if isinstance(error, kind)]
    try:
        text = str(error)[:1000]
    except BaseException:
        text = ""
    return [(kinds or [type(error).__name__])[0], text]


def decode(value: Json, depth: int = 0) -> Any:
    """What `encode` was given. ValueError when it is not what `encode` writes."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) and depth < DEEPEST:
        if "array" in value:
            dtype, shape = np.dtype(str(value["array"])[:4]), tuple(int(n) for n in value["shape"])
            if dtype.kind not in "biuf" or any(n < 0 for n in shape) or len(shape) > 8:
                raise ValueError(f"an array of {dtype}, {shape}")
            data = bytearray(base64.b64decode(value["data"], validate=True))
            return np.frombuffer(data, dtype).reshape(shape)
        if "tuple" in value:
            return tuple(decode(part, depth + 1) for part in value["tuple"])
        if "dict" in value:
            return {str(key): decode(part, depth + 1) for key, part in value["dict"].items()}
        if "opaque" in value:
            return Opaque(plain(str(value["opaque"]), 80))
    raise ValueError("not of this program's writing")
