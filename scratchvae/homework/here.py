"""Runs cases of an exercise in this process: for code of our own, never for a student's.

It returns what the sandbox returns, without its processes: some hundred runs in a second.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from scratchvae.homework import drivers, wire
from scratchvae.homework.sandbox import Reply, Result

# What the public tests import: no part of the package that they test.
KEPT = tuple(f"scratchvae.homework.{name}" for name in ("domains", "drivers", "compare", "wire",
                                                         "expected"))  # fmt: skip
compiled = lru_cache(1000)(compile)  # most files of two packages are the same


class _Texts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {f"scratchvae.{name}".removesuffix(".__init__"): texts[name] for name in texts}

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        is_package = name == "scratchvae"
        if name not in self.texts:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=is_package)

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        exec(compiled(self.texts[name], f"{name}.py", "exec"), module.__dict__)


@contextmanager
def package(texts: Mapping[str, str]) -> Iterator[None]:
    """`import scratchvae` gives these texts: name without .py -> text."""
    kept = {name: sys.modules.pop(name) for name in _loaded()}
    finder = _Texts(texts)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in _loaded():
            del sys.modules[name]
        sys.modules.update(kept)


def _loaded() -> list[str]:
    found = [name for name in sys.modules if name.split(".")[0] == "scratchvae"]
    return [name for name in found if not name.startswith(KEPT)]


class Here:
    """A context manager with the `run` of a Sandbox."""

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(
        self,
        package_texts: Mapping[str, str],
        driver: str,
        fixed: Mapping[str, str],
        cases: Sequence[Mapping[str, Any]],
        *,
        seconds: float = 10.0,
    ) -> Result:
        """Run one task. What a case returns goes through JSON as in the sandbox."""
        replies = []
        with package(package_texts), np.errstate(all="ignore"):
            last: tuple[Any, Any] = None, None
            for case in cases:
                sent = {name: wire.encode(value) for name, value in case.items()}
                inputs = {name: wire.decode(value) for name, value in sent.items()}
                reply, outputs, encoded = Reply(), None, None
                try:
                    outputs = drivers.drive(driver, dict(fixed), inputs)
                    encoded = wire.encode(outputs)
                    reply.outputs = wire.decode(encoded)
                except Exception as error:
                    kind, text = wire.raised(error)
                    reply.error = kind, text[:300]
                after = wire.afterwards(sent, inputs, *last)
                reply.after = {name: wire.decode(value) for name, value in after.items()}
                last = outputs, encoded
                replies.append(reply)
        return Result(replies)
