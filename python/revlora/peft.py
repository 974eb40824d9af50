"""Models of PEFT with their LoRA layers merged, and every bit of the base back afterwards.

    with revlora.peft.merged(model):  # faster inside, as after model.merge_adapter()
        model.generate(…)

For a `peft.PeftModel`, or any module with layers of PEFT (0.15 and later) in it, on the processor,
in float32, float16 or bfloat16: LoRA of Linear, GPT-2's Conv1D, Embedding, Conv1d, Conv2d and
Conv3d, and of experts and other parameters (``target_parameters``), with ``lora_bias`` too;
whatever adapters are active and whatever their strengths, as ``set_scale``, ``use_rslora`` and
patterns make them. What is not plain LoRA (DoRA and other variants, quantised layers, other
methods) is refused by its name before anything is written. ``modules_to_save`` and trained tokens
act without being merged and are left alone.

**While merged** PEFT works as after its own ``merge_adapter()``, and is exact where it takes the
adapters out: ``unmerge_adapter()``, ``set_adapter()``, which adding or loading an adapter calls
too, and a forward inside of ``disable_adapter()`` lead the whole base back, and adapters then act
unmerged until the next `merge` or `swap`. ``merge_and_unload()`` keeps the merged weights, and so
does ``unload()``. What is saved as an adapter is not changed by a merge.

**The merged factors are copied**, some hundredths of the size of the weights: adapters may be
trained, replaced or deleted while they are merged, and what is merged stays what it was until the
next `swap`. Weights that are themselves changed while merged, which then no record fits, are
refused when they are to be led back. Each call does all or, refused or interrupted by Ctrl-C,
nothing.

**Tied weights** are one matrix. If an embedding and an output layer that are tied have the same
adapter, as by ``ensure_weight_tying``, it is merged once; if theirs differ they are refused; and if
only one has an adapter a warning tells that merged weights change both.
"""

from __future__ import annotations

import contextlib
from typing import Iterator, List, Optional, Sequence, Union

import peft
import torch
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.other import ModulesToSaveWrapper

from ._errors import InvalidInput
from ._peft_merged import NOTHING, Merged, exchange, merges_in, require_none_of_peft
from ._peft_plan import Plan, names_given, plan_of, require_trained_tokens_of


@contextlib.contextmanager
def merged(
    model: torch.nn.Module,
    adapters: Union[str, Sequence[str], None] = None,
    *,
    recipe: str = "fused",
    threads: int = 0,
) -> Iterator[torch.nn.Module]:
    """`merge` on entry, `unmerge` at the end, also of what `swap` has merged inside."""
    plan = _plan_to_merge(model, adapters)
    merge_: Optional[Merged] = None
    try:
        merge_ = exchange([], plan, recipe, threads)
        yield model
    finally:
        if merge_ is not None and merge_.matrices:  # also where the layers have been unloaded
            exchange([merge_], NOTHING, None, threads)
        unmerge(model, threads=threads)


def merge(
    model: torch.nn.Module,
    adapters: Union[str, Sequence[str], None] = None,
    *,
    recipe: str = "fused",
    threads: int = 0,
) -> None:
    """Merges adapters into the weights of a model: the active ones, or those that are named.

    ``recipe``: as of `revlora.merge`; ``rounded_delta`` gives one adapter the bits of PEFT's own
    merge where that computes its update in float32. Raises `InvalidInput`, by the name of the
    module, if a layer cannot be merged exactly, or is merged already.
    """
    exchange([], _plan_to_merge(model, adapters), recipe, threads)


def unmerge(model: torch.nn.Module, *, threads: int = 0) -> None:
    """Takes out what `merge` or `swap` has merged; every bit of the base is as before.

    A model in which nothing is merged, or no longer, is left alone. Raises `RecordRefused`, by the
    name of the weight, if weights have been changed while merged; nothing is written then.
    """
    require_none_of_peft(model)
    merges = merges_in(model)
    if merges:
        exchange(merges, NOTHING, None, threads)


def swap(
    model: torch.nn.Module,
    adapters: Union[str, Sequence[str]],
    *,
    recipe: Optional[str] = None,
    threads: int = 0,
) -> None:
    """Merges these adapters instead of what is merged, in one pass over the weights.

    The bits are those of a fresh merge into the base. The adapters are active afterwards, as by
    ``set_adapter()``. Named again, an adapter that has been trained, or has another strength, is
    merged as it is now. ``recipe``: None for that of what is merged. Raises what `merge` and
    `unmerge` raise.
    """
    names = names_given(model, adapters)
    require_none_of_peft(model)
    merges = merges_in(model)
    for module in model.modules():
        if hasattr(module, "check_set_adapter"):  # of what can have one active adapter only
            module.check_set_adapter(names)
    if recipe is None:
        recipe = merges[0].matrices[0].record.recipe if merges else "fused"
    plan = plan_of(model, lambda layer: names)
    state = exchange(merges, plan, recipe, threads)
    state.hide()  # else PEFT would unmerge before it sets
    try:
        _set_active(model, names)
    finally:
        state.show()


def _plan_to_merge(model: torch.nn.Module, adapters: Union[str, Sequence[str], None]) -> Plan:
    require_none_of_peft(model)
    if merges_in(model):
        raise InvalidInput(
            "revlora: the model is merged already: call revlora.peft.swap(model, names) with all "
            "that is to be merged, or revlora.peft.unmerge(model) first"
        )
    if adapters is None:
        plan = plan_of(model, lambda layer: list(layer.active_adapters))
        if not plan.layers:
            raise InvalidInput("revlora: the model has no layer of PEFT with an active adapter")
        return plan
    names = names_given(model, adapters)
    require_trained_tokens_of(model, names)
    return plan_of(model, lambda layer: names)


def _set_active(model: torch.nn.Module, names: List[str]) -> None:
    for module in model.modules():
        if isinstance(module, peft.PeftModel) and len(names) == 1:
            module.set_adapter(names[0])
            return
        if isinstance(module, BaseTuner):
            module.set_adapter(names)
            return
    for module in model.modules():  # of inject_adapter_in_model()
        if isinstance(module, (BaseTunerLayer, ModulesToSaveWrapper)):
            module.set_adapter(names)
