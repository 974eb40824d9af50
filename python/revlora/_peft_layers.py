"""LoRA layers of PEFT, as matrices and the factors of their updates; refuses what is not known."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Tuple

import torch
from peft.tuners import lora
from peft.tuners.lora import layer as lora_layer

from ._peft_places import Factors, Place, parameter_of, refusal

Updates = Iterator[Tuple[Place, Factors]]


def adapters_of(layer: Any) -> List[str]:
    """The names of the adapters that a tuner layer has, of whatever kind it is."""
    holders = (getattr(layer, attribute, {}) for attribute in layer.adapter_layer_names)
    return list(dict.fromkeys(name for holder in holders for name in holder.keys()))


def updates_of(name: str, layer: Any, adapter: str) -> Updates:
    """What an adapter adds to a layer. The factors are copies: the layer's may change meanwhile."""
    kind = type(layer)
    if kind not in _KINDS:
        raise refusal(
            name,
            f"is a {kind.__module__}.{kind.__qualname__}, of which revlora knows no exact merge: "
            "leave it out of the adapter's target_modules, or merge this model by PEFT's "
            "merge_adapter()",
        )
    _require_plain(name, layer, adapter)
    strength = float(layer.scaling[adapter])
    for place, b, a in _KINDS[kind](name, layer, adapter):
        yield place, Factors(b, a, strength)
    if getattr(layer, "lora_bias", {}).get(adapter, False):
        yield _bias_of(name, layer, layer.lora_B[adapter].bias, strength)


def _require_plain(name: str, layer: Any, adapter: str) -> None:
    variant = getattr(layer, "lora_variant", {}).get(adapter)
    if variant is not None or layer.use_dora.get(adapter, False):
        called = "DoRA" if layer.use_dora.get(adapter, False) else type(variant).__name__
        raise refusal(
            name,
            f"has {called} in the adapter '{adapter}', and revlora merges plain LoRA only: merge "
            "other adapters, or this model by PEFT's merge_adapter()",
        )
    computing = getattr(layer.forward, "__self__", layer)
    if computing is not layer:
        raise refusal(
            name,
            f"computes by a {type(computing).__name__}, whose update depends on the input: it "
            "cannot be merged",
        )


def _copied(factor: Any) -> Any:
    return factor.detach().clone()


def _of_linear(name: str, layer: Any, adapter: str) -> Iterator[Tuple[Place, Any, Any]]:
    parameter_of(name, layer, "weight")
    b, a = _copied(layer.lora_B[adapter].weight), _copied(layer.lora_A[adapter].weight)
    if layer.fan_in_fan_out:  # stored as [in, out]
        b, a = a.T, b.T
    yield Place(layer.get_base_layer(), "weight"), b, a


def _of_embedding(name: str, layer: Any, adapter: str) -> Iterator[Tuple[Place, Any, Any]]:
    parameter_of(name, layer, "weight")
    base = layer.get_base_layer()
    if base.max_norm is not None:
        raise refusal(
            name, "has a max_norm, so that each forward changes its weights: no merge can be undone"
        )
    b, a = _copied(layer.lora_embedding_A[adapter]).T, _copied(layer.lora_embedding_B[adapter]).T
    yield Place(base, "weight"), b, a


def _of_convolution(name: str, layer: Any, adapter: str) -> Iterator[Tuple[Place, Any, Any]]:
    weight = parameter_of(name, layer, "weight")
    base = layer.get_base_layer()
    if base.groups > 1:
        # Its A reads the inputs of all groups, and a row of the weight those of its own only.
        raise refusal(
            name,
            f"has {base.groups} groups, for which the update of PEFT's LoRA is no change of the "
            "weights: leave it out of the adapter's target_modules",
        )
    b, a = _copied(layer.lora_B[adapter].weight), _copied(layer.lora_A[adapter].weight)
    has_channels_last = not weight.is_contiguous()
    if has_channels_last:
        if not weight.movedim(1, -1).is_contiguous():
            raise refusal(
                f"{name}.weight",
                "lies in memory in no order that revlora knows: make it contiguous first, by "
                "module.to(memory_format=torch.contiguous_format)",
            )
        a = a.movedim(1, -1)
    yield Place(base, "weight", None, has_channels_last), b.flatten(1), a.flatten(1)


def _of_parameter(name: str, layer: Any, adapter: str) -> Iterator[Tuple[Place, Any, Any]]:
    base, parameter = layer.get_base_layer(), layer.parameter_name
    weight = parameter_of(name, layer, parameter)
    b, a = _copied(layer.lora_B[adapter].weight), _copied(layer.lora_A[adapter].weight)
    if weight.dim() == 2:
        yield Place(base, parameter), b, a
        return
    experts = weight.shape[0]
    a_of = a.reshape(experts, -1, a.shape[1])  # [experts, rank, in]
    b_of = b.reshape(b.shape[0], -1, experts).movedim(-1, 0)  # [experts, out, rank]
    is_transposed = _is_transposed(layer, adapter, weight, b_of[0], a_of[0])
    for expert in range(experts):
        b, a = b_of[expert], a_of[expert]
        if is_transposed:
            b, a = a.T, b.T
        yield Place(base, parameter, expert), b, a


def _is_transposed(layer: Any, adapter: str, weight: Any, b: Any, a: Any) -> bool:
    """Whether experts are stored as ``[in, out]``."""
    if weight.shape[1] != weight.shape[2]:
        return bool(b.shape[0] != weight.shape[1])
    if b.device != weight.device or a.device != weight.device:
        return False  # it is refused later, by name
    # Versions of PEFT differ in what they take square ones for: ask this one.
    update = layer.get_delta_weight(adapter)[0].float()
    product = float(layer.scaling[adapter]) * (b.float() @ a.float())
    return bool((update - product.T).abs().sum() < (update - product).abs().sum())


def _bias_of(name: str, layer: Any, bias: Any, strength: float) -> Tuple[Place, Factors]:
    base = layer.get_base_layer()
    if getattr(base, "bias", None) is None:
        raise refusal(
            name, "gets a bias by lora_bias, and its base layer has none: it cannot be merged"
        )
    parameter_of(name, layer, "bias")
    one = torch.ones(1, 1, dtype=bias.dtype, device=bias.device)
    return Place(base, "bias"), Factors(one, _copied(bias).view(1, -1), strength)


# By the type itself: the layers of quantised weights and of other methods derive from these.
_KINDS: Dict[type, Callable[[str, Any, str], Iterator[Tuple[Place, Any, Any]]]] = {
    lora.Linear: _of_linear,
    lora.Embedding: _of_embedding,
    lora_layer.Conv1d: _of_convolution,
    lora.Conv2d: _of_convolution,
    lora.Conv3d: _of_convolution,
}
if hasattr(lora_layer, "ParamWrapper"):  # since PEFT 0.17
    _KINDS[lora_layer.ParamWrapper] = _of_parameter
