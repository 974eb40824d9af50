"""The verbs on many matrices: all of them or none.

All arguments are checked before the first matrix is written. If one is refused later, or Ctrl-C is
pressed, which is heeded after each matrix, those that are done are led back, bit for bit, before
the exception leaves. Matrices are called by names, which errors tell.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional

from . import _native
from ._errors import InvalidInput
from ._native import Record
from ._verbs import Adapters


def merge_all(
    weights: Mapping[str, Any],
    adapters: Mapping[str, Adapters],
    *,
    recipe: str = "fused",
    threads: int = 0,
) -> Dict[str, Record]:
    """`merge` of each matrix with the adapters of the same name; returns the records by name."""
    _require_same_names("adapters", adapters, weights)
    records = {name: Record() for name in weights}
    _exchange(weights, {}, adapters, records, recipe, True, threads)
    return records


def unmerge_all(
    weights: Mapping[str, Any],
    adapters: Mapping[str, Adapters],
    records: Mapping[str, Record],
    *,
    threads: int = 0,
) -> None:
    """`unmerge` of each matrix; the records stay as they are."""
    _require_same_names("adapters", adapters, weights)
    _require_same_names("records", records, weights)
    for name, record in records.items():
        if record.is_empty:
            raise InvalidInput(f"revlora: '{name}': the record is empty: no merge has filled it")
    _exchange(weights, adapters, {}, records, None, False, threads)


def swap_all(
    weights: Mapping[str, Any],
    merged: Mapping[str, Adapters],
    wanted: Mapping[str, Adapters],
    records: Dict[str, Record],
    *,
    recipe: Optional[str] = None,
    threads: int = 0,
) -> None:
    """`swap` of each matrix; ``records`` is changed in place when all is done.

    A name that is missing among ``merged`` or ``wanted`` has no adapters there. A matrix that gets
    none is at its base afterwards, and its record leaves ``records``; one that had none gets one.
    """
    for what, given in (("merged", merged), ("wanted", wanted), ("records", records)):
        _require_known_names(what, given, weights)
    known = {**merged, **wanted, **records}
    touched = {name: matrix for name, matrix in weights.items() if name in known}
    for name in touched:
        records.setdefault(name, Record())
    try:
        _exchange(touched, merged, wanted, records, recipe, True, threads)
    finally:
        for name in [name for name, record in records.items() if record.is_empty]:
            del records[name]


def _exchange(
    weights: Mapping[str, Any],
    merged: Mapping[str, Adapters],
    wanted: Mapping[str, Adapters],
    records: Mapping[str, Record],
    recipe: Optional[str],
    fills_records: bool,
    threads: int,
) -> None:
    names: List[str] = list(weights)
    _native.exchange_all(
        names,
        [weights[name] for name in names],
        [merged.get(name, []) for name in names],
        [wanted.get(name, []) for name in names],
        [records[name] for name in names],
        recipe,
        fills_records,
        threads,
    )


def _require_known_names(what: str, given: Iterable[str], weights: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in weights]
    if unknown:
        raise InvalidInput(f"revlora: {what} has '{unknown[0]}', and weights has not")


def _require_same_names(what: str, given: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    _require_known_names(what, given, weights)
    missing = [name for name in weights if name not in given]
    if missing:
        raise InvalidInput(f"revlora: weights has '{missing[0]}', and {what} has not")
