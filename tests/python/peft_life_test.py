"""A merged model in the hands of PEFT: whatever it does, the base comes back bit for bit."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
import weakref
from typing import Any

import pytest

peft: Any = pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora
import revlora.peft
from peft_models import (
    EXPERTS,
    LINEAR,
    Convolutions,
    Merged,
    Model,
    base_bits,
    bits,
    llama,
    mixtral,
)


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
        names = {
            n.replace(".base_layer", "").removeprefix("base_model.model."): n for n in model.base
        }
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


def test_modules_to_save_and_trained_tokens_act_unmerged() -> None:
    model = Model(
        llama, target_modules=["q_proj"], modules_to_save=["lm_head"], trainable_token_indices=[3]
    )
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
    peft.inject_adapter_in_model(
        peft.LoraConfig(target_modules=["q_proj"], init_lora_weights=False), base
    )
    with revlora.peft.merged(base):
        assert base.model.layers[0].self_attn.q_proj.merged
    revlora.peft.swap(base, "default")
    revlora.peft.unmerge(base)
    assert set(before.values()) <= set(bits(base).values())
