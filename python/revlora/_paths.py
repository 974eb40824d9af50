"""Paths and adapters on disk, as users name them and as the engine takes them."""

from __future__ import annotations

import math
import os
from typing import List, Optional, Sequence, Tuple, Union

from ._errors import InvalidInput

Path = Union[str, "os.PathLike[str]"]
AdapterPaths = Union[Path, Sequence[Union[Path, Tuple[Path, float]]]]
"""One adapter, or several in the order in which they are added; some with a strength."""


def encoded(path: Path) -> bytes:
    as_bytes = os.fsencode(path)
    if b"\0" in as_bytes:
        raise InvalidInput(f"revlora: {path!r} is no path: it has a null character in it")
    return as_bytes


def encoded_or_none(path: Optional[Path]) -> Optional[bytes]:
    return None if path is None else encoded(path)


def encoded_adapters(adapters: AdapterPaths) -> List[Tuple[bytes, float]]:
    if isinstance(adapters, (str, os.PathLike)):
        return [(encoded(adapters), 1.0)]
    return [_encoded_adapter(each) for each in adapters]


def _encoded_adapter(adapter: Union[Path, Tuple[Path, float]]) -> Tuple[bytes, float]:
    if isinstance(adapter, (str, os.PathLike)):
        return encoded(adapter), 1.0
    if not isinstance(adapter, tuple) or len(adapter) != 2:
        raise InvalidInput(f"revlora: {adapter!r} is no adapter: give a path, or (path, strength)")
    path, strength = adapter[0], float(adapter[1])
    if not math.isfinite(strength):
        raise InvalidInput(f"revlora: the strength of {path!r} is {strength}: give a finite number")
    return encoded(path), strength
