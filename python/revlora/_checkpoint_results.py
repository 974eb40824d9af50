"""What `revlora.checkpoint` returns: the JSON of the program, whose keys ``man revlora`` lists too.

Sizes are in bytes; what is not known is None.
"""

from __future__ import annotations

from typing import List, Optional, TypedDict


class Update(TypedDict):
    """One update of a tensor."""

    adapter: str
    rank: int
    scale: float
    """The whole factor in front of ``B·A``."""


class TensorOutlook(TypedDict):
    """What was done to a tensor, or would be."""

    file: str
    name: str
    dtype: str
    shape: List[int]
    updates: List[Update]
    replaced: bool
    """The adapter has a whole tensor for it, as of ``modules_to_save``."""
    relative_size: Optional[float]
    """std(D)/std(W), of a dry run."""


class MergeResult(TypedDict):
    """What a merge or a swap did, or would do."""

    command: str
    dry_run: bool
    status: str
    """``done``."""
    trouble: Optional[str]
    model: str
    undo: Optional[str]
    """The undo file; None if a dry run has not chosen a place for it."""
    adapters: int
    """How many."""
    finished_earlier: bool
    """It finished what an interrupted run had begun."""
    weights: int
    """In the tensors below."""
    changed: int
    """How many of them have other bits; of a dry run a guess."""
    not_finite: int
    """How many became infinite or NaN."""
    undo_bytes: int
    record_bytes: int
    factor_bytes: int
    """Of the undo file, what of it are records, and what embedded adapters."""
    disk_bytes: int
    """What has to be free on the disk."""
    notes: List[str]
    """What is worth knowing."""
    warnings: List[str]
    """What is likely not what was meant: that nothing changed, and why."""
    tensors: List[TensorOutlook]


class UnmergeResult(TypedDict):
    """What an unmerge did, or would do."""

    command: str
    dry_run: bool
    status: str
    """``done``."""
    trouble: Optional[str]
    model: str
    undo: str
    restored: int
    """How many tensors."""
    at_the_base: int
    """How many were there already."""
    disk_bytes: int
    """What has to be free on the disk."""
    notes: List[str]
    """What is worth knowing."""


class MergedAdapter(TypedDict):
    """An adapter that is merged, or was."""

    path: str
    strength: float


class TensorCondition(TypedDict):
    """What a tensor is to its undo file."""

    file: str
    name: str
    condition: str


class VerifyResult(TypedDict):
    """What a model is to its undo file."""

    command: str
    condition: str
    """``base``, ``merged``, ``partly_merged``, or ``changed``: neither, by somebody else."""
    model: str
    undo: str
    since: int
    """When it was merged, in seconds since 1970."""
    adapters: List[MergedAdapter]
    tensors: List[TensorCondition]
    notes: List[str]
    """What is worth knowing."""
