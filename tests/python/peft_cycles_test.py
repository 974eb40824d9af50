"""A thousand cycles with a changing adapter, beside PEFT's own; and the program's merge."""

from __future__ import annotations

import copy
import importlib.util
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch

import revlora.peft
from peft_models import DTYPES, Model, base_bits, bits, llama

CYCLES = 1000


def change(models: list[torch.nn.Module], cycle: int) -> None:
    """Other factors and another strength, the same in all models."""
    for model in models:
        torch.manual_seed(cycle)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.copy_(torch.randn(parameter.shape) / 8)
        for module in model.modules():
            if hasattr(module, "set_scale"):
                module.set_scale("default", 0.25 + cycle % 7 / 4)


def share_of_changed(model: torch.nn.Module, before: dict[str, torch.Tensor]) -> float:
    changed, count = 0, 0
    for name, now in model.state_dict().items():
        if "base_layer" in name:
            changed += int((now != before[name]).sum())
            count += now.numel()
    return changed / count


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype)[6:])
def test_a_thousand_cycles_change_no_bit(dtype: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ours = Model(
        lambda: llama(num_hidden_layers=1),
        dtype,
        target_modules=["q_proj", "down_proj", "embed_tokens"],
    ).peft
    pefts = copy.deepcopy(ours)
    before, state = base_bits(ours), copy.deepcopy(ours.state_dict())
    merged_before = None
    for cycle in range(CYCLES):
        change([ours, pefts], cycle)
        if cycle % 2:
            with revlora.peft.merged(ours):
                merged = base_bits(ours)
        else:
            revlora.peft.merge(ours)
            change([ours], CYCLES + cycle)
            revlora.peft.swap(ours, "default")
            merged = base_bits(ours)
            revlora.peft.unmerge(ours)
        assert merged not in (before, merged_before)
        merged_before = merged
        pefts.merge_adapter()
        pefts.unmerge_adapter()
    with capsys.disabled():
        share = share_of_changed(pefts, state)
        print(
            f"\n{str(dtype)[6:]}, {CYCLES} cycles: revlora.peft changed "
            f"{share_of_changed(ours, state):.0%} of the weights, PEFT's own merge and unmerge "
            f"{share:.1%} ",
            end="",
        )
    assert base_bits(ours) == before
    assert share > 0.01


@pytest.mark.skipif(
    importlib.util.find_spec("revlora.__main__") is None,
    reason="the program is not in this package",
)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype)[6:])
def test_the_program_merges_to_the_same_bits(dtype: Any, tmp_path: Any) -> None:
    from safetensors.torch import load_file, save_file

    config = dict(target_modules=["q_proj", "down_proj", "embed_tokens"], r=5, lora_alpha=3)
    model = Model(llama, dtype, **config).peft
    change([model], 0)
    for layer in model.modules():
        if hasattr(layer, "set_scale"):
            layer.set_scale("default", 1)  # which is what is saved
    model.save_pretrained(str(tmp_path / "adapter"))

    def state() -> dict[str, torch.Tensor]:
        named = model.base_model.model.state_dict().items()
        return {n.replace(".base_layer", ""): t for n, t in named if "lora_" not in n}

    path = str(tmp_path / "model.safetensors")
    save_file(state(), path)
    before = bits(load_file(path))
    subprocess.run(
        [sys.executable, "-m", "revlora", "merge", path, str(tmp_path / "adapter")], check=True
    )
    with revlora.peft.merged(model):
        assert before != bits(load_file(path)) == bits(state())
    subprocess.run([sys.executable, "-m", "revlora", "unmerge", path], check=True)
    assert before == bits(load_file(path)) == bits(state())
