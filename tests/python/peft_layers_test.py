"""The bits of merged layers, of each kind of layer and type of weights."""

from __future__ import annotations

from typing import Any, Dict

import pytest

pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora
import revlora.peft
from peft_models import DTYPES, KINDS, Model, base_bits, bits, every_kind, llama, model_of

every_type = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype)[6:])
TOLERANCE = {torch.float32: 2e-5, torch.float16: 2e-2, torch.bfloat16: 1e-1}


def rounded_once(model: Model) -> Dict[str, torch.Tensor]:
    """What the merged parameters should be: PEFT's updates, exact here, added in float64."""
    merged: Dict[Any, torch.Tensor] = {}
    for layer in model.layers():
        base, key = layer.get_base_layer(), getattr(layer, "parameter_name", "weight")
        for adapter in layer.active_adapters:
            if adapter not in layer.scaling:
                continue
            weight = getattr(base, key)
            exact = merged.setdefault((base, key), weight.double())
            merged[base, key] = exact + layer.get_delta_weight(adapter).double().view(weight.shape)
            if layer.lora_bias.get(adapter):
                exact = merged.setdefault((base, "bias"), base.bias.double())
                bias = layer.lora_B[adapter].bias.double() * layer.scaling[adapter]
                merged[base, "bias"] = exact + bias
    names = {module: name for name, module in model.peft.named_modules()}
    return {
        f"{names[module]}.{key}": exact.float().to(getattr(module, key).dtype)
        for (module, key), exact in merged.items()
    }


@every_type
@every_kind
def test_merged_weights_are_rounded_once_and_led_back(kind: str, dtype: torch.dtype) -> None:
    model = model_of(kind, dtype)
    if "target_parameters" not in KINDS[kind][1]:
        model.add("other", r=1)
        model.activate("default", "other")
    model.peft.base_model.model.requires_grad_(True)
    expected, before, output = rounded_once(model), bits(model.peft), model.output()
    assert len(expected) >= 1
    with revlora.peft.merged(model.peft) as inside:
        assert inside is model.peft
        now = bits(model.peft)
        assert {n: now[n] for n in expected} == bits(expected)
        assert all(now[n] != before[n] for n in expected)
        assert {n: b for n, b in now.items() if n not in expected} == {
            n: b for n, b in before.items() if n not in expected
        }
        merged_output = model.output()
        assert all(layer.merged for layer in model.layers())
    assert bits(model.peft) == before
    assert not any(layer.merged for layer in model.layers())
    torch.testing.assert_close(merged_output, output, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    assert torch.equal(model.output(), output)


@every_type
@every_kind
def test_rounded_delta_has_the_bits_of_pefts_safe_merge(kind: str, dtype: torch.dtype) -> None:
    model, other = model_of(kind, dtype), model_of(kind, dtype)
    assert bits(model.peft) == bits(other.peft)
    revlora.peft.merge(model.peft, recipe="rounded_delta")
    other.peft.merge_adapter(safe_merge=True)
    assert base_bits(model.peft) == base_bits(other.peft)
    statuses = [m.peft.get_model_status().merged_adapters for m in (model, other)]
    assert statuses[0] == statuses[1] == ["default"]


def test_random_factors_give_the_bits_of_a_merge_of_the_matrix() -> None:
    model = Model(llama, torch.bfloat16, target_modules=["q_proj", "embed_tokens"])
    model.add("other", r=7, lora_alpha=5)
    with torch.no_grad():
        for name, parameter in model.peft.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape) / 8)
    model.activate("other", "default")
    model.peft.base_model.model.model.layers[1].self_attn.q_proj.set_scale("other", 0.3)
    state = {n: t.clone() for n, t in model.peft.state_dict().items()}
    scaling = {"default": 2.0, "other": 5 / 7}

    def expected(layer: str, b: str, a: str, scale: float) -> torch.Tensor:
        weight = state[f"{layer}.base_layer.weight"]
        factors = [(name, state[f"{layer}.{b.format(name)}"], state[f"{layer}.{a.format(name)}"])
                   for name in ("other", "default")]  # fmt: skip
        strengths = {**scaling, "other": scaling["other"] * scale}
        adapters = [revlora.Adapter(b, a, strengths[name]) for name, b, a in factors]
        if "embed" in layer:
            adapters = [adapter.transposed() for adapter in adapters]
        revlora.merge(weight, adapters)
        return weight

    prefix = "base_model.model.model"
    with revlora.peft.merged(model.peft):
        now = model.peft.state_dict()
        for layer, scale in (
            ("layers.0.self_attn.q_proj", 1.0),
            ("layers.1.self_attn.q_proj", 0.3),
        ):
            layer = f"{prefix}.{layer}"
            wanted = expected(layer, "lora_B.{}.weight", "lora_A.{}.weight", scale)
            assert torch.equal(now[f"{layer}.base_layer.weight"], wanted)
        layer = f"{prefix}.embed_tokens"
        wanted = expected(layer, "lora_embedding_B.{}", "lora_embedding_A.{}", 1.0)
        assert torch.equal(now[f"{layer}.base_layer.weight"], wanted)


def test_strengths_that_peft_sets_are_heeded() -> None:
    model = Model(llama, target_modules=["q_proj"])
    model.add("other", r=1)
    model.peft.add_weighted_adapter(["default", "other"], [0.5, 2.0], "sum", combination_type="cat")
    model.activate("sum")
    for layer in model.layers():
        layer.scale_layer(0.5)
    expected = rounded_once(model)
    before, output = bits(model.peft), model.output()
    revlora.peft.merge(model.peft)
    assert {n: b for n, b in bits(model.peft).items() if n in expected} == bits(expected)
    torch.testing.assert_close(model.output(), output, atol=2e-5, rtol=2e-5)
    revlora.peft.unmerge(model.peft)
    assert bits(model.peft) == before


def test_adapters_that_are_named_are_merged() -> None:
    model = Model(llama, target_modules=["q_proj"])
    model.add("other", r=2, target_modules=["q_proj", "v_proj"])
    before = bits(model.peft)
    revlora.peft.merge(model.peft, "other")
    merged = bits(model.peft)
    assert [layer.merged_adapters for layer in model.layers()] == [["other"]] * 4
    revlora.peft.unmerge(model.peft)
    assert bits(model.peft) == before
    model.activate("other")
    with revlora.peft.merged(model.peft):
        assert bits(model.peft) == merged
    revlora.peft.merge(model.peft, ["default"])
    assert [layer.merged_adapters for layer in model.layers()] == [["default"], []] * 2
