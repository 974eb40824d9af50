"""Modules of PyTorch: many weights, all or none of them."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any, Dict, List

import pytest

torch: Any = pytest.importorskip("torch")

import revlora
import revlora.torch

TYPES = [torch.float32, torch.float16, torch.bfloat16]
every_type = pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: str(dtype)[6:])


class Net:
    """Layers, and adapters for each of them."""

    def __init__(self, dtype: Any = torch.float32, count: int = 4, size: int = 32) -> None:
        torch.manual_seed(0)
        self.layers = {f"layer.{i}": torch.nn.Linear(24 + i, size).to(dtype) for i in range(count)}
        self.dtype = dtype

    def adapters(self, strength: float = 1.0) -> Dict[str, Any]:
        def draw(*shape: int) -> Any:
            return (torch.randn(*shape) / 8).to(self.dtype)

        return {
            name: revlora.Adapter(draw(layer.out_features, 3), draw(3, layer.in_features), strength)
            for name, layer in self.layers.items()
        }

    def given(self, *adapters: Dict[str, Any]) -> Dict[str, Any]:
        return {n: (layer, *(a.get(n, []) for a in adapters)) for n, layer in self.layers.items()}

    def bits(self) -> List[bytes]:
        return [bits(layer.weight) for layer in self.layers.values()]


def bits(tensor: Any) -> bytes:
    return bytes(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy())


@every_type
def test_modules_are_merged_swapped_and_led_back(dtype: Any) -> None:
    net, fresh = Net(dtype), Net(dtype)
    base = net.bits()
    first, second = net.adapters(), net.adapters(-0.5)
    records = revlora.torch.merge_modules(net.given(first))
    for name, layer in fresh.layers.items():
        assert revlora.merge(layer.weight, first[name]) == records[name]
        revlora.unmerge(layer.weight, first[name], records[name])
    assert base == fresh.bits() != net.bits()
    del second["layer.2"]
    revlora.torch.swap_modules(net.given(first, second), records)
    assert set(records) == set(second)
    for name in second:
        assert revlora.merge(fresh.layers[name].weight, second[name]) == records[name]
    assert base != fresh.bits() == net.bits()
    given = net.given(second)
    del given["layer.2"]
    revlora.torch.unmerge_modules(given, records)
    assert net.bits() == base


def test_tensors_stand_for_themselves() -> None:
    weight = torch.nn.Conv2d(4, 6, 3).weight
    base = bits(weight)
    adapter = revlora.Adapter(torch.ones(6, 1), torch.ones(1, 36), 0.5)
    records = revlora.torch.merge_modules({"kernel": (weight.flatten(1), [adapter, adapter])})
    assert bits(weight) != base
    revlora.torch.unmerge_modules({"kernel": (weight.flatten(1), [adapter, adapter])}, records)
    assert bits(weight) == base


class Computed(torch.nn.Module):
    @property
    def weight(self) -> Any:
        return torch.zeros(32, 24)


def test_modules_that_a_write_would_not_reach_are_refused_by_name() -> None:
    net = Net()
    base = net.bits()
    layer = torch.nn.Linear(24, 32)
    bounded = torch.nn.utils.parametrize.register_parametrization(layer, "weight", torch.nn.Tanh())
    for wrong, text in [
        (torch.nn.ReLU(), "'wrong': the ReLU has no weight"),
        (Computed(), "'wrong': the weight of the Computed is no parameter"),
        (bounded, "'wrong': the weight of the ParametrizedLinear is no parameter"),
        (torch.nn.Conv2d(4, 6, 3), "'wrong': W has 4 dimensions, and a matrix"),
        (torch.nn.LayerNorm(32), "'wrong': W has 1 dimension, and a matrix"),
        (torch.nn.Linear(24, 32, device="meta"), "'wrong': W is not in memory .* but on meta"),
        (torch.nn.Linear(24, 32).double(), "'wrong': W has elements of float64"),
        (net.layers["layer.1"], "'layer.1' and 'wrong' share memory|'wrong' and 'layer.1'"),
    ]:
        adapters = net.adapters()
        given = {**net.given(adapters), "wrong": (wrong, adapters["layer.0"])}
        if wrong is net.layers["layer.1"]:
            given["wrong"] = (wrong, adapters["layer.1"])
        with pytest.raises(revlora.InvalidInput, match=text):
            revlora.torch.merge_modules(given)
        assert net.bits() == base


def test_a_refusal_half_way_leads_back() -> None:
    net = Net()
    first, second = net.adapters(), net.adapters()
    records = revlora.torch.merge_modules(net.given(first))
    with torch.no_grad():
        net.layers["layer.3"].weight[0, 0] += 1
    before, kept = net.bits(), {name: record.to_bytes() for name, record in records.items()}
    for call in (
        lambda: revlora.torch.unmerge_modules(net.given(first), records),
        lambda: revlora.torch.swap_modules(net.given(first, second), records),
    ):
        with pytest.raises(revlora.RecordRefused, match="'layer.3'") as refused:
            call()
        assert refused.value.reason == "weights_changed"
        assert net.bits() == before
        assert {name: record.to_bytes() for name, record in records.items()} == kept


def test_an_interruption_leads_back() -> None:
    net = Net(count=16, size=20000)
    adapters, base = net.adapters(), net.bits()
    main = threading.main_thread().ident
    assert main is not None
    begin = time.perf_counter()
    records = revlora.torch.merge_modules(net.given(adapters), threads=1)
    took = time.perf_counter() - begin
    revlora.torch.unmerge_modules(net.given(adapters), records)
    interruptions = 0
    for part in (0.3, 0.5, 0.7):
        timer = threading.Timer(part * took, lambda: signal.pthread_kill(main, signal.SIGINT))
        merged = False
        try:
            timer.start()  # on a busy machine it may be interrupted itself
            records = revlora.torch.merge_modules(net.given(adapters), threads=1)
            merged = True
            timer.join()
            time.sleep(0.01)  # for the interruption, if it was late
        except KeyboardInterrupt:
            interruptions += not merged
        if merged:
            revlora.torch.unmerge_modules(net.given(adapters), records)
        timer.join()
        assert net.bits() == base
    assert interruptions > 0


@pytest.mark.skipif(
    not hasattr(torch.autograd.graph, "increment_version"), reason="this PyTorch has no such call"
)
def test_autograd_is_told_of_a_write() -> None:
    net = Net(count=1)
    adapters = net.adapters()
    layer = net.layers["layer.0"]
    inputs = torch.ones(1, 24, requires_grad=True)
    loss = layer(inputs).sum()
    revlora.torch.merge_modules(net.given(adapters))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
