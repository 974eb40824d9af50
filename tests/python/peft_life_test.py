"""A merged model in the hands of PEFT: whatever it does, the base comes back bit for bit."""

from __future__ import annotations

import copy
import gc
import pickle
import signal
import warnings
import weakref
from typing import Any, Callable

import pytest

peft: Any = pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora
import revlora.peft
from peft_models import LINEAR, Convolutions, Model, base_bits, bits, llama, mixtral

EXPERTS = dict(target_modules=[], target_parameters=["experts.gate_up_proj", "experts.down_proj"])


class Merged(Model):
    """With the adapters "default", which is merged, and "other"."""

    def __init__(self, base: Callable[[], torch.nn.Module] = llama, **config: Any) -> None:
        super().__init__(base, **(config or LINEAR))
        self.add("other")
        self.base, self.unmerged_output = base_bits(self.peft), self.output()
        with self.peft.disable_adapter():
            self.base_output = self.output()
        revlora.peft.merge(self.peft)
        self.merged_bits = base_bits(self.peft)
        assert self.merged_bits != self.base

    def require_base(self) -> None:
        assert base_bits(self.peft) == self.base
        for layer in self.layers():
            assert not layer.merged and "unmerge" not in vars(layer) and "merge" not in vars(layer)


@pytest.mark.parametrize("kind", ["linear", "experts"])
def test_disabled_adapters_compute_with_the_true_base(kind: str) -> None:
    model = Merged() if kind == "linear" else Merged(mixtral, **EXPERTS)
    with model.peft.disable_adapter():
        assert torch.equal(model.output(), model.base_output)
    model.require_base()
    assert torch.equal(model.output(), model.unmerged_output)
    with revlora.peft.merged(model.peft):
        with model.peft.disable_adapter():
            assert torch.equal(model.output(), model.base_output)
        assert torch.equal(model.output(), model.unmerged_output)
    model.require_base()


def test_peft_unmerges_exactly() -> None:
    for call in (
        lambda m: m.unmerge_adapter(),
        lambda m: m.set_adapter("other"),
        lambda m: m.base_model.set_adapter(["other", "default"]),
        lambda m: m.base_model.model.model.layers[1].self_attn.v_proj.unmerge(),
    ):
        model = Merged()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is unmerged first
            call(model.peft)
        model.require_base()
        revlora.peft.unmerge(model.peft)
        model.require_base()


def test_nothing_is_added_by_pefts_merge() -> None:
    model = Merged()
    with pytest.warns(UserWarning, match="All adapters are already merged, nothing to do"):
        model.peft.merge_adapter()
    with pytest.raises(revlora.InvalidInput, match=r"\['other'\] cannot be merged too by PEFT"):
        model.peft.merge_adapter(["default", "other"])
    assert base_bits(model.peft) == model.merged_bits
    revlora.peft.unmerge(model.peft)
    model.require_base()
    model.peft.merge_adapter(["other"])
    assert all(layer.merged_adapters == ["other"] for layer in model.layers())


def test_adapters_are_trained_replaced_and_deleted_while_merged() -> None:
    model = Merged()
    model.train()
    for layer in model.layers():
        layer.set_scale("default", 7.0)
    assert base_bits(model.peft) == model.merged_bits
    for layer in model.layers():
        layer.delete_adapter("default")
    revlora.peft.unmerge(model.peft)
    model.require_base()


def test_an_adapter_that_is_added_leads_back_since_peft_sets_the_active_ones() -> None:
    model = Merged()
    model.add("third")
    model.require_base()


def test_what_peft_saves_is_the_adapter(tmp_path: Any) -> None:
    model = Merged()
    model.peft.train().save_pretrained(str(tmp_path / "merged"))
    revlora.peft.unmerge(model.peft.eval())
    model.peft.save_pretrained(str(tmp_path / "unmerged"))
    for path in (tmp_path / "unmerged").rglob("*.safetensors"):
        twin = tmp_path / "merged" / path.relative_to(tmp_path / "unmerged")
        assert path.read_bytes() == twin.read_bytes()
    revlora.peft.merge(model.peft)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is unmerged first
        model.peft.load_adapter(str(tmp_path / "merged"), "loaded")
    model.require_base()
    revlora.peft.swap(model.peft, "loaded")
    assert base_bits(model.peft) == model.merged_bits
    assert model.peft.active_adapter == "loaded"


def test_unloading_keeps_what_is_merged_until_the_end_of_with() -> None:
    for base, config in ((llama, LINEAR), (mixtral, EXPERTS)):
        model = Merged(base, **config)
        revlora.peft.unmerge(model.peft)
        names = {n.replace(".base_layer", "").removeprefix("base_model.model."): n for n in model.base}
        with revlora.peft.merged(model.peft), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = model.peft.merge_and_unload()
            assert not any(hasattr(m, "merged_adapters") for m in plain.modules())
            assert {names[n]: b for n, b in bits(plain).items()} == model.merged_bits
        assert {names[n]: b for n, b in bits(plain).items()} == model.base


def test_copies_and_pickles_of_a_merged_model_are_led_back_alone() -> None:
    model = Merged(Convolutions, target_modules=["flat", "deep"], lora_bias=True)
    merged = bits(model.peft)
    for other in (copy.deepcopy(model.peft), pickle.loads(pickle.dumps(model.peft))):
        assert bits(other) == merged
        revlora.peft.unmerge(other)
        assert base_bits(other) == model.base
        assert bits(model.peft) == merged
    part = copy.deepcopy(model.peft.base_model.model.flat)
    part.unmerge()
    assert not part.merged and bits(model.peft) == merged
    revlora.peft.unmerge(model.peft)
    model.require_base()


def test_a_dropped_model_is_freed_at_once() -> None:
    gc.disable()
    try:
        model = Merged()
        weight = weakref.ref(model.layers()[0].get_base_layer().weight)
        del model
        assert weight() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["linear", "experts"])
def test_swap_leaves_what_a_fresh_merge_would(kind: str) -> None:
    model = Merged() if kind == "linear" else Merged(mixtral, **EXPERTS)
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


def test_modules_to_save_and_trained_tokens_act_unmerged() -> None:
    model = Model(llama, target_modules=["q_proj"], modules_to_save=["lm_head"], trainable_token_indices=[3])
    with torch.no_grad():
        for name, parameter in model.peft.named_parameters():
            if "modules_to_save" in name or "tokens_delta" in name:
                parameter.add_(1)
    before, output = bits(model.peft), model.output()
    with revlora.peft.merged(model.peft):
        torch.testing.assert_close(model.output(), output, atol=2e-4, rtol=2e-5)
    assert bits(model.peft) == before
    model.add("other")
    before = bits(model.peft)
    with revlora.peft.merged(model.peft):
        with pytest.raises(ValueError, match="one adapter"):
            revlora.peft.swap(model.peft, ["default", "other"])
        assert model.layers()[-1].merged_adapters == ["default"]
        revlora.peft.swap(model.peft, "other")
        assert model.peft.base_model.model.lm_head.active_adapters == ["other"]
    assert bits(model.peft) == before


def test_tied_weights_with_tied_adapters_are_merged_once() -> None:
    tied = dict(target_modules=["embed_tokens", "lm_head"], ensure_weight_tying=True)
    model = Model(lambda: llama(tie_word_embeddings=True), **tied)
    before, output = bits(model.peft), model.output()
    with revlora.peft.merged(model.peft):
        assert model.peft.get_model_status().merged_adapters == ["default"]
        torch.testing.assert_close(model.output(), output, atol=2e-5, rtol=2e-5)
        model.peft.base_model.model.lm_head.unmerge()
        assert not any(layer.merged for layer in model.layers())
    assert bits(model.peft) == before


def test_layers_that_were_injected() -> None:
    base = llama()
    before = bits(base)
    peft.inject_adapter_in_model(peft.LoraConfig(target_modules=["q_proj"], init_lora_weights=False), base)
    with revlora.peft.merged(base):
        assert base.model.layers[0].self_attn.q_proj.merged
    revlora.peft.swap(base, "default")
    revlora.peft.unmerge(base)
    assert set(before.values()) <= set(bits(base).values())


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
