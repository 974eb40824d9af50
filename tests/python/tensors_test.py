"""Tensors come in as they are, or are refused by name."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

import revlora
from conftest import Scene, Stored


def refused(weights: Any, adapter: revlora.Adapter) -> str:
    with pytest.raises(revlora.InvalidInput) as error:
        revlora.merge(weights, adapter)
    return str(error.value)


def test_views_are_written_in_place(scene: Scene) -> None:
    whole = np.zeros((100, 200), np.float32)
    before = whole.copy()
    view = whole[10:58, 20:100]
    adapter = scene.adapter()
    record = revlora.merge(view, adapter)
    outside = whole.copy()
    outside[10:58, 20:100] = 0
    assert (outside == 0).all() and (view != 0).any()
    revlora.unmerge(view, adapter, record)
    assert whole.tobytes() == before.tobytes()


def test_factors_may_lie_anyhow(scene: Scene) -> None:
    b, a = scene.draw(48, 4, 0.1), scene.draw(4, 80, 0.1)
    merged = []
    for factors in [(b, a), (np.asfortranarray(b), np.asfortranarray(a)), (b.T.copy().T, a)]:
        weights = scene.weights.copy()
        revlora.merge(weights, revlora.Adapter(*factors, 1.0))
        merged.append(weights.tobytes())
    assert len(set(merged)) == 1


def test_factors_are_kept_alive_and_not_copied(scene: Scene) -> None:
    b, a = scene.draw(48, 4, 0.1), scene.draw(4, 80, 0.1)
    adapter = revlora.Adapter(b, a, 1.0)
    record = revlora.merge(scene.weights, adapter)
    b[0, 0] += 1
    assert revlora.validate(scene.weights, adapter, record).reason == "other_adapter"
    b[0, 0] -= 1
    del b, a
    adapters = [adapter]
    del adapter
    assert revlora.validate(scene.weights, adapters, record).reason in ("none", "other_adapter")


def test_the_buffer_protocol(scene: Scene) -> None:
    memory = array.array("f", scene.weights.ravel().tolist())
    base = memory.tobytes()
    weights = memoryview(memory).cast("B").cast("f", [48, 80])
    adapter = scene.adapter()
    record = revlora.merge(weights, adapter)
    assert memory.tobytes() != base
    revlora.merge(scene.weights, adapter)
    assert memory.tobytes() == scene.weights.tobytes()
    revlora.unmerge(weights, adapter, record)
    assert memory.tobytes() == base


def test_scaled_weights_of_eight_bits(scene: Scene) -> None:
    bits = scene.random.integers(0, 120, (48, 80)).astype(np.uint8)
    base = bits.tobytes()
    scales = scene.draw(48, 1, 1) ** 2 + np.float32(0.01)
    weights = revlora.Scaled(Stored(bits, "float8_e4m3fn"), scales)
    adapter = scene.adapter()
    record = revlora.merge(weights, adapter)
    merged = bits.tobytes()
    assert merged != base
    with pytest.raises(revlora.RecordRefused) as error:
        revlora.unmerge(weights.weights, adapter, record)
    assert error.value.reason == "other_scales"
    revlora.unmerge(weights, adapter, record)
    assert bits.tobytes() == base
    wrong = revlora.Scaled(Stored(bits, "float8_e4m3fn"), scales[:5])
    assert "scales" in refused(wrong, adapter)


def test_what_would_need_a_copy_is_refused_by_name(scene: Scene) -> None:
    adapter = scene.adapter()
    read_only = scene.weights.copy()
    read_only.flags.writeable = False
    for weights, text in [
        ([[1.0, 2.0]], "W is of type list"),
        (None, "W is of type NoneType"),
        (scene.weights.astype(np.float64), "W has elements of float64"),
        (scene.weights.astype(np.uint16), "W has elements of uint16"),
        (scene.weights.astype(">f4"), "W is of type ndarray with elements of >f4"),
        (scene.weights[0], "W has 1 dimension, and a matrix has two"),
        (scene.weights[None], "W has 3 dimensions"),
        (read_only, "W is read-only"),
        (bytes(16), "W is read-only"),
        (np.broadcast_to(np.float32(1), (48, 80)), "W is read-only"),
        (scene.weights[::-1], "a row stride of -80"),
        (np.asfortranarray(scene.weights), "row-major"),
        (Stored(np.zeros((48, 80), np.uint16), "float4"), "W is of type Stored with elements of"),
    ]:
        assert text in refused(weights, adapter)


def test_overlaps_are_refused(scene: Scene) -> None:
    weights = scene.weights
    inside = revlora.Adapter(weights[:, :4], scene.draw(4, 80, 0.1), 1.0)
    before = weights.tobytes()
    assert "overlap" in refused(weights, inside)
    with pytest.raises(revlora.InvalidInput, match="overlap"):
        revlora.merge(weights, scene.adapter(), out=weights)
    assert weights.tobytes() == before


def test_factors_of_two_types_are_refused(scene: Scene) -> None:
    mixed = revlora.Adapter(scene.draw(48, 4, 1), scene.draw(4, 80, 1).astype(np.float16), 1.0)
    assert "fp16" in refused(scene.weights, mixed)


# ---- PyTorch -------------------------------------------------------------------------------------


def bits_of(tensor: Any) -> bytes:
    import torch

    return bytes(tensor.detach().contiguous().view(torch.uint8).numpy())


@pytest.mark.parametrize(
    "name", ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
)
@pytest.mark.parametrize("factors", ["float32", "bfloat16"])
def test_tensors_of_torch(scene: Scene, name: str, factors: str) -> None:
    torch = pytest.importorskip("torch")
    if not hasattr(torch, name):
        pytest.skip(f"this torch has no {name}")
    weights = torch.nn.Parameter(
        torch.tensor(scene.weights).to(getattr(torch, name)), requires_grad=name == "float32"
    )
    b = torch.nn.Parameter(torch.tensor(scene.draw(48, 4, 0.1)).to(getattr(torch, factors)))
    a = torch.nn.Parameter(torch.tensor(scene.draw(4, 80, 0.1)).to(getattr(torch, factors)))
    base, place = bits_of(weights), weights.data_ptr()
    adapter = revlora.Adapter(b, a, 2.0)
    record = revlora.merge(weights, adapter)
    assert weights.data_ptr() == place and bits_of(weights) != base
    reference = torch.tensor(scene.weights).to(getattr(torch, name)).float() + 2 * (
        b.detach().float() @ a.detach().float()
    )
    error = (weights.detach().float() - reference).abs()
    assert (error <= reference.abs() * 2.0 ** (-3 if "8" in name else -8) + 1e-2).all()
    revlora.unmerge(weights, adapter, record)
    assert bits_of(weights) == base


def test_autograd_learns_of_what_was_written() -> None:
    torch = pytest.importorskip("torch")
    if not hasattr(torch.autograd.graph, "increment_version"):
        pytest.skip("this torch cannot be told")
    weights = torch.zeros(16, 16)
    x = torch.ones(4, 16, requires_grad=True)
    y = x @ weights  # weights are saved for x's gradient
    adapter = revlora.Adapter(torch.ones(16, 2), torch.ones(2, 16), 1.0)
    record = revlora.merge(weights, adapter)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    version = weights._version
    revlora.validate(weights, adapter, record)
    assert weights._version == version
    revlora.merge_all({"w": weights[8:]}, {"w": revlora.Adapter(torch.ones(8, 2), torch.ones(2, 16), 1.0)})
    assert weights._version == version + 1
    with torch.inference_mode():
        revlora.merge(torch.zeros(16, 16), adapter)


def test_torch_tensors_that_cannot_be_used_are_named(scene: Scene) -> None:
    torch = pytest.importorskip("torch")
    adapter = scene.adapter()
    weights = torch.tensor(scene.weights)
    for wrong, text in [
        (weights.to("meta"), "on meta"),
        (weights.to_sparse(), "neither DLPack nor the buffer protocol"),
        (weights.double(), "float64"),
        (weights.expand(2, 48, 80), "3 dimensions"),
        (weights[:, :1].expand(48, 80), "stands still"),
        (torch.quantize_per_tensor(weights, 0.1, 0, torch.qint8), "W"),
    ]:
        assert text in refused(wrong, adapter)


def test_arrays_of_ml_dtypes(scene: Scene) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2):
        weights = scene.weights.astype(dtype)
        base = weights.tobytes()
        adapter = revlora.Adapter(
            scene.draw(48, 4, 0.1).astype(ml_dtypes.bfloat16),
            scene.draw(4, 80, 0.1).astype(ml_dtypes.bfloat16),
            2.0,
        )
        record = revlora.merge(weights, adapter)
        assert weights.tobytes() != base
        revlora.unmerge(weights, adapter, record)
        assert weights.tobytes() == base


def test_arrays_of_jax_are_read_and_never_written(scene: Scene) -> None:
    jax = pytest.importorskip("jax")
    b, a = jax.numpy.asarray(scene.draw(48, 4, 0.1)), jax.numpy.asarray(scene.draw(4, 80, 0.1))
    revlora.merge(scene.weights, revlora.Adapter(b, a, 1.0))
    weights = jax.numpy.asarray(scene.weights)
    assert "read-only" in refused(weights, scene.adapter())
    merged = np.empty_like(scene.weights)
    revlora.merge(weights, scene.adapter(), out=merged)
