"""Swaps of what is merged, refusals half way, and interruptions: all is done, or nothing."""

from __future__ import annotations

import copy
import signal
from typing import Any, Callable

import pytest

peft: Any = pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora
import revlora.peft
from peft_models import EXPERTS, LINEAR, Merged, Model, base_bits, bits, llama, mixtral, refused


@pytest.mark.parametrize("kind", ["linear", "experts"])
def test_swap_leaves_what_a_fresh_merge_would(kind: str) -> None:
    base, config = (llama, LINEAR) if kind == "linear" else (mixtral, EXPERTS)
    model = Merged(base, dtype=torch.float16, **config)
    for layer in model.layers():  # so that updates are rounded, and recipes differ
        for adapter in ("default", "other"):
            layer.set_scale(adapter, 0.3)
    for adapters, recipe, expected_recipe in [
        ("other", None, "fused"),
        (["other", "default"], "rounded_delta", "rounded_delta"),
        (["default"], None, "rounded_delta"),
        (["default"], "fused", "fused"),
    ]:
        model.train()
        revlora.peft.swap(model.peft, adapters, recipe=recipe)
        names = [adapters] if isinstance(adapters, str) else adapters
        assert all(x.merged_adapters == names == x.active_adapters for x in model.layers())
        fresh = copy.deepcopy(model.peft)
        revlora.peft.unmerge(fresh)
        assert base_bits(fresh) == model.base
        revlora.peft.merge(fresh, recipe=expected_recipe)
        assert bits(fresh) == bits(model.peft)
    revlora.peft.unmerge(model.peft)
    model.require_base()
    revlora.peft.swap(model.peft, "other")
    assert all(x.merged_adapters == ["other"] for x in model.layers())
    revlora.peft.unmerge(model.peft)
    model.require_base()


def test_swap_reaches_layers_that_had_no_adapter_and_leaves_others() -> None:
    model = Model(llama, target_modules=["q_proj"])
    model.add("other", target_modules=["v_proj"])
    base = base_bits(model.peft)
    revlora.peft.merge(model.peft)
    revlora.peft.swap(model.peft, "other")
    assert [layer.merged_adapters for layer in model.layers()] == [[], ["other"]] * 2
    swapped = base_bits(model.peft)
    assert sum(swapped[name] != base[name] for name in base) == 2
    revlora.peft.swap(model.peft, ["default", "other"])
    revlora.peft.unmerge(model.peft)
    assert base_bits(model.peft) == base


def test_names() -> None:
    model = Model(llama, target_modules=["q_proj"])
    model.add("other")
    for call in (revlora.peft.merge, revlora.peft.swap):
        refused(
            model,
            "has no adapter 'third', but 'default', 'other'",
            lambda m: call(m, ["other", "third"]),
        )
        refused(model, "no adapter is named", lambda m: call(m, []))
    refused(llama(), "the model has no layer of PEFT with an active adapter")


def test_what_is_merged_already() -> None:
    model = Model(llama, target_modules=["q_proj"])
    model.peft.merge_adapter()
    for call in (
        revlora.peft.merge,
        revlora.peft.unmerge,
        lambda m: revlora.peft.swap(m, "default"),
    ):
        refused(
            model,
            r"q_proj' has been merged by PEFT itself \(default\), which keeps no record",
            call,
        )
    model = Model(llama, target_modules=["q_proj"])
    revlora.peft.merge(model.peft)
    refused(model, "is merged already: call revlora.peft.swap")
    with pytest.raises(revlora.InvalidInput, match="is merged already"):
        with revlora.peft.merged(model.peft):
            pass
    assert model.layers()[0].merged
    part = model.peft.base_model.model.model.layers[0]
    refused(part, "a part of a model that was merged as a whole", revlora.peft.unmerge)


def test_weights_that_change_while_merged_are_refused_by_name() -> None:
    model = Merged()
    weight = model.peft.base_model.model.model.layers[1].self_attn.v_proj.base_layer.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[0, 0] += 1
    changed = base_bits(model.peft)
    text = "'base_model.model.model.layers.1.self_attn.v_proj.weight': W is not"
    for call in (
        revlora.peft.unmerge,
        lambda m: revlora.peft.swap(m, "other"),
        lambda m: m.unmerge_adapter(),
    ):
        with pytest.raises(revlora.RecordRefused, match=text) as refused:
            call(model.peft)
        assert refused.value.reason == "weights_changed"
        assert base_bits(model.peft) == changed and all(x.merged for x in model.layers())
    with torch.no_grad():
        weight.copy_(kept)
    revlora.peft.unmerge(model.peft)
    model.require_base()


def test_an_interruption_before_the_write_or_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from revlora import _native

    exchange_all = _native.exchange_all
    model = Merged()

    def before(*arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        exchange_all(*arguments)

    def after(*arguments: Any) -> None:
        exchange_all(*arguments)
        signal.raise_signal(signal.SIGINT)

    def interrupted(by: Callable[..., None], call: Callable[..., None], *arguments: Any) -> None:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(_native, "exchange_all", by)
            call(model.peft, *arguments)

    interrupted(before, revlora.peft.unmerge)
    interrupted(before, revlora.peft.swap, "other")
    assert base_bits(model.peft) == model.merged_bits
    assert all(layer.merged_adapters == ["default"] for layer in model.layers())
    interrupted(after, revlora.peft.swap, "other")
    assert all(layer.merged_adapters == ["other"] for layer in model.layers())
    interrupted(after, revlora.peft.unmerge)
    model.require_base()
    interrupted(before, revlora.peft.merge)
    model.require_base()
    interrupted(after, revlora.peft.merge)
    assert base_bits(model.peft) == model.merged_bits
    revlora.peft.unmerge(model.peft)
    model.require_base()
