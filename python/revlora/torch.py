"""Modules of PyTorch: the verbs on many weights, all or none of them.

    records = revlora.torch.merge_modules({"q": (model.q, adapter), "k": (model.k, [one, two])})

A module stands for its ``weight``, which is a matrix ``[out, in]``, as of `torch.nn.Linear`; a
tensor stands for itself. Nothing is copied. Each call does all it is given or, if anything is
refused or Ctrl-C is pressed, nothing; errors tell the name. For models of PEFT see `revlora.peft`.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple, Union

import torch

from ._errors import InvalidInput
from ._many import merge_all, swap_all, unmerge_all
from ._native import Record
from ._verbs import Adapters

Weights = Union[torch.nn.Module, torch.Tensor]


def merge_modules(
    modules: Mapping[str, Tuple[Weights, Adapters]], *, recipe: str = "fused", threads: int = 0
) -> Dict[str, Record]:
    """Merges adapters into modules, ``{name: (module, adapters)}``; returns the records by name.

    Raises what `revlora.merge` raises; all weights are then as they were.
    """
    weights = {name: weights_of(name, given[0]) for name, given in modules.items()}
    adapters = {name: given[1] for name, given in modules.items()}
    return merge_all(weights, adapters, recipe=recipe, threads=threads)


def unmerge_modules(
    modules: Mapping[str, Tuple[Weights, Adapters]],
    records: Mapping[str, Record],
    *,
    threads: int = 0,
) -> None:
    """Takes adapters out of modules, ``{name: (module, adapters)}``: every bit is as before.

    ``records`` are those of the merge, of the same names. Raises what `revlora.unmerge` raises; all
    weights are then as they were.
    """
    weights = {name: weights_of(name, given[0]) for name, given in modules.items()}
    adapters = {name: given[1] for name, given in modules.items()}
    unmerge_all(weights, adapters, records, threads=threads)


def swap_modules(
    modules: Mapping[str, Tuple[Weights, Adapters, Adapters]],
    records: Dict[str, Record],
    *,
    recipe: Optional[str] = None,
    threads: int = 0,
) -> None:
    """Exchanges adapters in modules, ``{name: (module, merged, wanted)}``, in one pass.

    ``records`` is changed in place when all is done: a module that had no adapters, ``[]``, needs
    none and gets one, and one that gets none is at its base and loses its record. Raises what
    `revlora.swap` raises; all weights and records are then as they were.
    """
    weights = {name: weights_of(name, given[0]) for name, given in modules.items()}
    merged = {name: given[1] for name, given in modules.items()}
    wanted = {name: given[2] for name, given in modules.items()}
    swap_all(weights, merged, wanted, records, recipe=recipe, threads=threads)


def weights_of(name: str, given: Weights) -> Any:
    """The tensor that a module stands for; refuses one that a write would not reach."""
    if not isinstance(given, torch.nn.Module):
        return given
    kind = type(given).__name__
    weight = getattr(given, "weight", None)
    if weight is None:
        raise InvalidInput(
            f"revlora: '{name}': the {kind} has no weight: give a module that has, or a tensor"
        )
    # What a parametrization computes, and a quantised module unpacks, is another at each use.
    if not isinstance(weight, torch.nn.Parameter):
        raise InvalidInput(
            f"revlora: '{name}': the weight of the {kind} is no parameter but computed from "
            "others: give the tensor that is to be changed"
        )
    return weight
