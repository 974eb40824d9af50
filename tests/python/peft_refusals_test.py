"""What cannot be merged exactly is refused by its name, and nothing is touched."""

from __future__ import annotations

import warnings
from typing import Any, Callable

import pytest

peft: Any = pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora
import revlora.peft
from peft_models import Convolutions, Model, bits, llama, mixtral, refused


def q(model: Model) -> Any:
    return model.peft.base_model.model.model.layers[1].self_attn.q_proj


Q = "base_model.model.model.layers.1.self_attn.q_proj"


def test_variants() -> None:
    dora = Model(llama, target_modules=["q_proj"], use_dora=True)
    refused(
        dora, "'base_model.model.model.layers.0.self_attn.q_proj' has DoRA in the adapter 'default'"
    )
    mixed = Model(llama, target_modules=["q_proj"])
    mixed.add("special", use_dora=True, target_modules=["v_proj"])
    refused(
        mixed,
        "v_proj' has DoRA in the adapter 'special'",
        lambda m: revlora.peft.merge(m, "special"),
    )
    refused(mixed, "v_proj' has DoRA", lambda m: revlora.peft.swap(m, ["default", "special"]))
    revlora.peft.merge(mixed.peft, "default")
    alora = Model(
        llama, target_modules=["q_proj"], alora_invocation_tokens=[1], task_type="CAUSAL_LM"
    )
    refused(alora, "q_proj' has ALoraLinearVariant in the adapter 'default'")


def test_other_methods() -> None:
    base = llama()
    ia3 = peft.get_peft_model(
        base,
        peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
    )
    refused(ia3, "k_proj' is a peft.tuners.ia3.layer.Linear, of which revlora knows no exact merge")
    loha = peft.get_peft_model(llama(), peft.LoHaConfig(target_modules=["k_proj"]))
    refused(loha, "k_proj' is a peft.tuners.loha.layer.Linear")
    adalora = peft.get_peft_model(
        llama(), peft.AdaLoraConfig(target_modules=["k_proj"], total_step=9)
    )
    refused(adalora, "k_proj' is a peft.tuners.adalora.layer.SVDLinear")


class Attention(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(8, 2)


def test_layers() -> None:
    attention = Model(Attention, target_modules=["attention"])
    refused(
        attention, "'base_model.model.attention' is a peft.tuners.lora.layer.MultiheadAttention"
    )
    grouped = Model(
        lambda: torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3, groups=2)), target_modules=["0"]
    )
    refused(grouped, "'base_model.model.0' has 2 groups")
    normed = Model(
        lambda: torch.nn.Sequential(torch.nn.Embedding(9, 8, max_norm=1.0)), target_modules=["0"]
    )
    refused(normed, "'base_model.model.0' has a max_norm")
    bare = Model(llama, target_modules=["q_proj"], lora_bias=True)
    refused(bare, "q_proj' gets a bias by lora_bias, and its base layer has none")
    strided = Model(Convolutions, target_modules=["along", "flat"])
    weight = strided.peft.base_model.model.flat.base_layer.weight
    weight.data = weight.data.movedim(1, 2).contiguous().movedim(2, 1)
    refused(strided, "flat.weight' lies in memory in no order that revlora knows")
    transposed = Model(llama, target_modules=["q_proj"])
    weight = q(transposed).base_layer.weight
    weight.data = weight.data.T
    refused(transposed, f"'{Q}.weight': W ")


def test_x_lora(tmp_path: Any) -> None:
    lora = Model(llama, target_modules=["q_proj"])
    lora.peft.save_pretrained(str(tmp_path))
    config = peft.XLoraConfig(hidden_size=32, task_type="CAUSAL_LM", adapters={"0": str(tmp_path)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(llama(use_cache=False), config)
    refused(model, "q_proj' computes by a XLoraLinearLayer")


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda w: w.double(), "has elements of float64"),
        (
            lambda w: w.to(torch.float8_e4m3fn),
            "has elements of float8_e4m3fn; .* If it is quantised",
        ),
        (lambda w: w.to("meta"), "has no memory, being on the device meta"),
    ],
)
def test_weights(change: Callable[[Any], Any], text: str) -> None:
    model = Model(llama, target_modules=["q_proj"])
    base = q(model).base_layer
    base.weight = torch.nn.Parameter(change(base.weight.data), requires_grad=False)
    refused(model, f"'{Q}.weight' {text}")
    refused(model, f"'{Q}.weight' {text}", lambda m: revlora.peft.swap(m, "default"))


def test_computed_weights() -> None:
    model = Model(llama, target_modules=["q_proj"])
    torch.nn.utils.parametrize.register_parametrization(
        q(model).base_layer, "weight", torch.nn.Tanh()
    )
    refused(model, f"'{Q}.weight' is no parameter of its ParametrizedLinear")


def test_factors() -> None:
    model = Model(llama, target_modules=["q_proj"])
    q(model).lora_B["default"].double()
    refused(model, f"'{Q}.weight': B has elements of float64")
    model = Model(llama, target_modules=["q_proj"])
    q(model).scaling["default"] = float("nan")
    refused(model, f"'{Q}.weight': .*strength")
    model = Model(mixtral, target_modules=[], target_parameters=["experts.down_proj"])
    model.layers()[0].lora_A["default"].to("meta")
    refused(model, r"experts.down_proj\[0\]': A is .*meta")


def test_weights_that_two_modules_have() -> None:
    both = dict(target_modules=["embed_tokens", "lm_head"])
    model = Model(lambda: llama(tie_word_embeddings=True), **both)
    refused(
        model,
        "embed_tokens.weight' and 'base_model.model.lm_head.weight' are one tensor, and their",
    )
    tied = Model(lambda: llama(tie_word_embeddings=True), ensure_weight_tying=True, **both)
    tied.peft.base_model.model.lm_head.set_scale("default", 2.0)
    refused(tied, "are one tensor, and their adapters differ")
    model = Model(lambda: llama(tie_word_embeddings=True), target_modules=["embed_tokens"])
    before = bits(model.peft)
    with pytest.warns(
        UserWarning, match="embed_tokens.weight' is also 'base_model.model.lm_head.weight'"
    ):
        revlora.peft.merge(model.peft)
    revlora.peft.unmerge(model.peft)
    assert bits(model.peft) == before


def test_trained_tokens_of_others() -> None:
    model = Model(llama, target_modules=["q_proj"], trainable_token_indices=[1, 2])
    model.add("other", trainable_token_indices=[3])
    call = lambda m: revlora.peft.merge(m, "other")  # noqa: E731
    refused(model, "acts by those of .'default'.*, but .'other'. is to be merged", call)
