"""LoRA adapters merged into model weights in place, and taken out again bit for bit.

    record = revlora.merge(W, revlora.Adapter(B, A, alpha / r))   # W ← round(W + s·B·A)
    revlora.unmerge(W, revlora.Adapter(B, A, alpha / r), record)  # every bit as before

Tensors of PyTorch, NumPy, JAX and ml_dtypes come in as they are, without a copy.

- One matrix: `merge`, `unmerge`, `swap`, `subtract`, `validate`, `state_of`, `merge_for_good`.
- Many, all or none of them: `merge_all`, `unmerge_all`, `swap_all`.
- `revlora.torch`: modules of PyTorch. `revlora.peft`: models of PEFT.
- `revlora.checkpoint`: checkpoints on disk; ``python -m revlora`` is the program for them.

The contract, to the last bit, stands in ``include/revlora/revlora.hpp`` of the library.
"""

from __future__ import annotations

from ._errors import InvalidInput, RecordRefused
from ._many import merge_all, swap_all, unmerge_all
from ._native import Adapter, Record, Scaled, instruction_set, version
from ._results import Report, Validation
from ._verbs import (
    Adapters,
    merge,
    merge_for_good,
    state_of,
    subtract,
    swap,
    unmerge,
    validate,
)

__version__ = version()

__all__ = [
    "Adapter",
    "Adapters",
    "InvalidInput",
    "Record",
    "RecordRefused",
    "Report",
    "Scaled",
    "Validation",
    "instruction_set",
    "merge",
    "merge_all",
    "merge_for_good",
    "state_of",
    "subtract",
    "swap",
    "swap_all",
    "unmerge",
    "unmerge_all",
    "validate",
]
