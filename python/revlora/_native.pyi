"""The compiled part; `revlora` is what to import."""

from __future__ import annotations

from typing import Any, Callable, Sequence, Union

from ._results import Report, Validation

class Adapter:
    """The update ``strength · B · A`` of a weight ``[out, in]``.

    ``b`` ("up", PEFT's ``lora_B``) is ``[out, r]``, ``a`` ("down", ``lora_A``) is ``[r, in]``; both
    of one of the types float32, float16, bfloat16, float8_e4m3fn and float8_e5m2, which need not be
    that of the weight, and with any strides. ``strength`` is the factor in front of them, for PEFT
    ``lora_alpha / r`` times what is asked for.

    They are views: nothing is copied, and the tensors are kept alive. Whoever changes them changes
    the adapter, and a record of the old one refuses it.
    """

    def __init__(self, b: Any, a: Any, strength: float) -> None: ...
    @staticmethod
    def hadamard(first: tuple[Any, Any], second: tuple[Any, Any], strength: float) -> Adapter:
        """LoHa: the update ``strength · (B₁·A₁) ∘ (B₂·A₂)``, of two pairs ``(B, A)``."""
    def transposed(self) -> Adapter:
        """The update of the transposed weight, ``[in, out]``. Nothing is copied."""
    @property
    def strength(self) -> float: ...
    @property
    def dtype(self) -> str:
        """Of the factors: ``fp32``, ``fp16``, ``bf16``, ``e4m3`` or ``e5m2``."""

class Scaled:
    """Weights of eight bits that are stored divided by scales, as checkpoints of fp8 have them.

    A number ``w`` means ``w · scale``. The shape of ``scales`` (float32, float16 or bfloat16) tells
    whose they are: ``[1, 1]`` of the whole matrix, ``[out, 1]`` of each row,
    ``[⌈out/128⌉, ⌈in/128⌉]`` of each block. What checkpoints call ``weight_scale_inv`` is such a
    scale too.
    """

    def __init__(self, weights: Any, scales: Any) -> None: ...
    @property
    def weights(self) -> Any: ...
    @property
    def scales(self) -> Any: ...

class Record:
    """What leads back from merged weights, bit for bit: an undo record.

    A hundred times smaller than a copy, and the same bytes on every machine. It can be pickled, and
    written with ``to_bytes``. It is used by one call at a time.
    """

    def __init__(self) -> None:
        """An empty one, for ``swap`` to fill."""
    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """Of what ``to_bytes`` gave, here or elsewhere. Raises `RecordRefused` for other bytes."""
    def to_bytes(self) -> bytes: ...
    def __bytes__(self) -> bytes: ...
    def __getstate__(self) -> bytes: ...
    def __setstate__(self, state: bytes) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def is_empty(self) -> bool: ...
    @property
    def shape(self) -> tuple[int, int]:
        """Of the weights."""
    @property
    def dtype(self) -> str:
        """Of the weights: ``fp32``, ``fp16``, ``bf16``, ``e4m3`` or ``e5m2``."""
    @property
    def recipe(self) -> str:
        """Of the merge: ``fused``, ``rounded_delta`` or ``nan``."""
    @property
    def report(self) -> Report | None:
        """Of the merge or swap that filled it; None if it was read from bytes."""
    @property
    def adapter_count(self) -> int:
        """How many adapters are merged."""

_Adapters = Union[Adapter, Sequence[Adapter]]

def merge(
    weights: Any, adapters: _Adapters, recipe: str, out: Any, threads: int
) -> Record: ...
def merge_for_good(
    weights: Any, adapters: _Adapters, recipe: str, out: Any, threads: int
) -> Report: ...
def subtract(
    weights: Any, adapters: _Adapters, recipe: str, out: Any, threads: int
) -> Report: ...
def unmerge(
    weights: Any, adapters: _Adapters, record: Record, out: Any, threads: int
) -> None: ...
def swap(
    weights: Any,
    merged: _Adapters,
    wanted: _Adapters,
    record: Record,
    recipe: str | None,
    threads: int,
) -> Report: ...
def validate_merge(weights: Any, adapters: _Adapters, recipe: str) -> Validation: ...
def validate_unmerge(
    weights: Any, adapters: _Adapters, record: Record, threads: int
) -> Validation: ...
def state_of(weights: Any, record: Record, threads: int) -> str: ...
def exchange_all(
    names: list[str],
    weights: list[Any],
    merged: list[_Adapters],
    wanted: list[_Adapters],
    records: list[Record],
    recipe: str | None,
    fills_records: bool,
    threads: int,
) -> None: ...
def instruction_set() -> str: ...
def version() -> str: ...

_Progress = Union[Callable[[str, int, int], object], None]

class MergeOptions:
    def __init__(
        self,
        recipe: str,
        fan_in_fan_out: bool | None,
        allow_unused: bool,
        embed: bool,
        dry_run: bool,
    ) -> None: ...

class CommonOptions:
    def __init__(self, force: bool, sync: bool, threads: int, weights: str | None) -> None: ...

def merge_checkpoint(
    model: bytes,
    adapters: list[tuple[bytes, float]],
    out: bytes | None,
    undo: bytes | None,
    overwrite_undo: bool,
    how: MergeOptions,
    common: CommonOptions,
    progress: _Progress,
    notes: list[str],
) -> str: ...
def unmerge_checkpoint(
    model: bytes,
    undo: bytes | None,
    adapters: list[bytes],
    dry_run: bool,
    common: CommonOptions,
    progress: _Progress,
    notes: list[str],
) -> str: ...
def swap_checkpoint(
    model: bytes,
    to: list[tuple[bytes, float]],
    undo: bytes | None,
    adapters: list[bytes],
    how: MergeOptions,
    common: CommonOptions,
    progress: _Progress,
    notes: list[str],
) -> str: ...
def verify_checkpoint(
    model: bytes,
    undo: bytes | None,
    common: CommonOptions,
    progress: _Progress,
    notes: list[str],
) -> str: ...
def describe_path(
    path: bytes, weights: str | None, progress: _Progress, notes: list[str]
) -> str: ...
def run_program(words: list[bytes], demo_data: bytes) -> int: ...
