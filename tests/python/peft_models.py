"""Small random models with layers of PEFT, for the tests of `revlora.peft`."""

from __future__ import annotations

import warnings
from typing import Any, Callable, Dict, List

import peft
import pytest
import torch
import transformers

import revlora.peft

torch.set_num_threads(2)
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def bits(tensors: Any) -> Dict[str, bytes]:
    """All bytes of a model, or of a dictionary of tensors, by name."""
    named = tensors.state_dict() if isinstance(tensors, torch.nn.Module) else tensors
    return {
        n: t.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        for n, t in named.items()
    }


def base_bits(model: torch.nn.Module) -> Dict[str, bytes]:
    """The bytes of all but the adapters."""
    return {n: b for n, b in bits(model).items() if "lora_" not in n}


def llama(**options: Any) -> torch.nn.Module:
    sizes: Dict[str, Any] = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2)
    sizes.update(num_attention_heads=4, num_key_value_heads=2, vocab_size=64, **options)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))


def gpt2() -> torch.nn.Module:
    sizes = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=64, n_positions=32)
    return transformers.GPT2LMHeadModel(sizes)


def mixtral(intermediate_size: int = 24) -> torch.nn.Module:
    sizes = transformers.MixtralConfig(
        hidden_size=32, intermediate_size=intermediate_size, num_hidden_layers=1, vocab_size=64,
        num_attention_heads=4, num_key_value_heads=2, num_local_experts=3, num_experts_per_tok=2,
    )  # fmt: skip
    return transformers.MixtralForCausalLM(sizes)


def gpt_oss() -> torch.nn.Module:
    """Whose experts are stored as ``[in, out]``, and the ones of `down_proj` are square."""
    sizes = transformers.GptOssConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, vocab_size=64, head_dim=8,
        num_attention_heads=4, num_key_value_heads=2, num_local_experts=3, num_experts_per_tok=2,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return transformers.GptOssForCausalLM(sizes)


class Convolutions(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.along = torch.nn.Conv1d(4, 6, 3, padding=1)
        self.flat = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.point = torch.nn.Conv2d(8, 5, 1)
        self.deep = torch.nn.Conv3d(2, 4, 2, padding=1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = tokens.float().sin().sum() + torch.linspace(-1, 1, 48)
        x = x.to(self.flat.weight.dtype)
        outputs = (
            self.along(x.view(1, 4, 12)),
            self.point(self.flat(x.view(1, 3, 4, 4))),
            self.deep(x.view(1, 2, 2, 3, 4)),
        )
        return torch.cat([y.flatten() for y in outputs])


def channels_last() -> torch.nn.Module:
    model = Convolutions()
    model.flat.to(memory_format=torch.channels_last)
    model.deep.to(memory_format=torch.channels_last_3d)
    return model


class Model:
    """A `peft.PeftModel` with random adapters, whose updates are exact in every type."""

    def __init__(
        self, base: Callable[[], torch.nn.Module], dtype: torch.dtype = torch.float32, **config: Any
    ) -> None:
        torch.manual_seed(0)
        self.random = torch.Generator().manual_seed(1)
        config = {"r": 4, "lora_alpha": 8, **config}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.peft = peft.get_peft_model(base().to(dtype), peft.LoraConfig(**config)).eval()
            self.config = config
        self.train()

    def add(self, name: str, **config: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.peft.add_adapter(name, peft.LoraConfig(**{**self.config, **config}))
        self.train()

    def train(self) -> None:
        """Gives the adapters other factors: eighths, of which every product and sum is exact."""
        with torch.no_grad():
            for name, parameter in self.peft.named_parameters():
                if "lora_" in name:
                    drawn = torch.randint(-1, 2, parameter.shape, generator=self.random)
                    parameter.copy_(drawn / 8)

    def activate(self, *names: str) -> None:
        self.peft.base_model.set_adapter(list(names))

    def layers(self) -> List[Any]:
        return [
            m for m in self.peft.modules() if isinstance(m, peft.tuners.tuners_utils.BaseTunerLayer)
        ]

    def output(self) -> torch.Tensor:
        with torch.no_grad():
            found = self.peft(torch.arange(16).view(2, 8))
        return found.logits if hasattr(found, "logits") else found


LINEAR: Dict[str, Any] = dict(target_modules=["q_proj", "v_proj", "down_proj"])
KINDS = {
    "linear": (llama, LINEAR),
    "patterns": (
        llama,
        dict(target_modules=["q_proj", "v_proj"], use_rslora=True, rank_pattern={"v_proj": 1},
             alpha_pattern={"v_proj": 2}),
    ),
    "embedding": (llama, dict(target_modules=["embed_tokens", "lm_head", "o_proj"])),
    "conv1d_of_gpt2": (gpt2, dict(target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)),
    "bias": (Convolutions, dict(target_modules=["along", "flat", "point"], lora_bias=True)),
    "convolutions": (Convolutions, dict(target_modules=["along", "flat", "point", "deep"])),
    "channels_last": (channels_last, dict(target_modules=["flat", "point", "deep"])),
    "experts": (
        mixtral,
        dict(target_modules=["q_proj"],
             target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]),
    ),
    "square_experts": (
        lambda: mixtral(16), dict(target_modules=[], target_parameters=["mlp.experts.gate_up_proj"])
    ),
    "transposed_experts": (
        gpt_oss,
        dict(target_modules=[], target_parameters=["experts.gate_up_proj", "experts.down_proj"]),
    ),
}  # fmt: skip
EXPERTS = dict(target_modules=[], target_parameters=["experts.gate_up_proj", "experts.down_proj"])
every_kind = pytest.mark.parametrize("kind", KINDS)


def model_of(kind: str, dtype: torch.dtype = torch.float32) -> Model:
    base, config = KINDS[kind]
    return Model(base, dtype, **config)


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


def refused(model: Any, text: str, call: Callable[[Any], Any] = revlora.peft.merge) -> None:
    module = model.peft if isinstance(model, Model) else model
    before = bits({n: t for n, t in module.state_dict().items() if t.device.type == "cpu"})
    layers = [m for m in module.modules() if hasattr(m, "merged_adapters")]
    merged = [list(layer.merged_adapters) for layer in layers]
    active = [layer.active_adapters for layer in layers]
    with pytest.raises(revlora.InvalidInput, match=text):
        call(module)
    now = bits({n: t for n, t in module.state_dict().items() if t.device.type == "cpu"})
    assert now == before
    assert [layer.merged_adapters for layer in layers] == merged
    assert [layer.active_adapters for layer in layers] == active
    assert not any("unmerge" in vars(layer) for layer in layers) or any(merged)
