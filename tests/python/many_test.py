"""The verbs on many matrices: all of them or none."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any, Dict

import numpy as np
import pytest

import revlora
from conftest import Scene


class Model:
    def __init__(self, count: int = 6, size: int = 64, rank: int = 4) -> None:
        self.scenes = [Scene(seed, size, size + 16 * seed, rank) for seed in range(count)]
        self.weights = {f"layer.{i}": s.weights for i, s in enumerate(self.scenes)}

    def adapters(self, strength: float = 1.0) -> Dict[str, Any]:
        return {f"layer.{i}": s.adapter(strength) for i, s in enumerate(self.scenes)}

    def bits(self) -> bytes:
        return b"".join(w.tobytes() for w in self.weights.values())


def test_all_are_merged_and_led_back() -> None:
    model = Model()
    base = model.bits()
    adapters = model.adapters()
    records = revlora.merge_all(model.weights, adapters)
    for i, scene in enumerate(Model().scenes):
        assert revlora.merge(scene.weights, adapters[f"layer.{i}"]) == records[f"layer.{i}"]
        assert scene.weights.tobytes() == model.weights[f"layer.{i}"].tobytes()
        assert records[f"layer.{i}"].report is not None
    kept = {name: record.to_bytes() for name, record in records.items()}
    revlora.unmerge_all(model.weights, adapters, records)
    assert model.bits() == base
    assert {name: record.to_bytes() for name, record in records.items()} == kept


def test_swaps_reach_matrices_that_had_no_adapters_and_leave_others() -> None:
    model = Model()
    base = model.bits()
    first, second = model.adapters(), model.adapters(-0.5)
    del first["layer.1"], second["layer.4"]
    records = revlora.merge_all({n: model.weights[n] for n in first}, first)
    revlora.swap_all(model.weights, first, second, records)
    assert set(records) == set(second)
    fresh = Model()
    assert revlora.merge_all({n: fresh.weights[n] for n in second}, second) == records
    assert fresh.bits() == model.bits()
    revlora.swap_all(model.weights, second, {}, records)
    assert model.bits() == base and not records


def test_a_refusal_half_way_leads_back() -> None:
    model = Model()
    first, second = model.adapters(), model.adapters()
    records = revlora.merge_all(model.weights, first)
    model.weights["layer.4"][0, 0] += 1
    before = model.bits()
    kept = {name: record.to_bytes() for name, record in records.items()}
    for call in (
        lambda: revlora.unmerge_all(model.weights, first, records),
        lambda: revlora.swap_all(model.weights, first, second, records),
        lambda: revlora.swap_all(model.weights, first, {}, records),
    ):
        with pytest.raises(revlora.RecordRefused, match="'layer.4': W is not") as refused:
            call()
        assert refused.value.reason == "weights_changed"
        assert model.bits() == before
        assert {name: record.to_bytes() for name, record in records.items()} == kept


def test_all_is_checked_before_anything_is_written() -> None:
    model = Model()
    adapters = model.adapters()
    base = model.bits()
    wrong = dict(adapters, **{"layer.5": adapters["layer.0"]})
    with pytest.raises(revlora.InvalidInput, match="'layer.5': .*64×64"):
        revlora.merge_all(model.weights, wrong)
    with pytest.raises(revlora.InvalidInput, match="'layer.2': W is of type str"):
        revlora.merge_all(dict(model.weights, **{"layer.2": "x"}), adapters)
    with pytest.raises(revlora.InvalidInput, match="weights has 'layer.0', and adapters has not"):
        revlora.merge_all(model.weights, {})
    with pytest.raises(revlora.InvalidInput, match="adapters has 'head', and weights has not"):
        revlora.merge_all(model.weights, dict(adapters, head=adapters["layer.0"]))
    with pytest.raises(revlora.InvalidInput, match="records has not"):
        revlora.unmerge_all(model.weights, adapters, {})
    empty = {name: revlora.Record() for name in model.weights}
    with pytest.raises(revlora.InvalidInput, match="'layer.0': the record is empty"):
        revlora.unmerge_all(model.weights, adapters, empty)
    one = revlora.Record()
    with pytest.raises(revlora.InvalidInput, match="in use"):
        revlora.swap_all(model.weights, {}, adapters, {name: one for name in model.weights})
    assert model.bits() == base


def test_matrices_that_share_memory_are_refused_by_both_names() -> None:
    scene = Scene()
    tied = {"head": scene.weights, "embedding": scene.weights[:, :]}
    adapters = {"head": scene.adapter(), "embedding": scene.adapter()}
    with pytest.raises(revlora.InvalidInput, match="'head' and 'embedding' share memory"):
        revlora.merge_all(tied, adapters)
    halves = {"upper": scene.weights[:24], "lower": scene.weights[24:]}
    small = Scene(1, 24, 80)
    revlora.merge_all(halves, {"upper": small.adapter(), "lower": small.adapter()})


def test_an_interruption_leads_back() -> None:
    model = Model(count=24, size=512, rank=64)
    base = model.bits()
    adapters = model.adapters()
    begin = time.perf_counter()
    records = revlora.merge_all(model.weights, adapters, threads=1)
    took = time.perf_counter() - begin
    revlora.unmerge_all(model.weights, adapters, records)
    main = threading.main_thread().ident
    assert main is not None
    heeded = 0
    for part in (0.1, 0.3, 0.5, 0.7):
        has_returned = False
        timer = threading.Timer(part * took, lambda: signal.pthread_kill(main, signal.SIGINT))
        try:
            timer.start()  # on a busy machine it may be interrupted itself
            records = revlora.merge_all(model.weights, adapters, threads=1)
            has_returned = True
            timer.join()
            time.sleep(0.1)  # for an interruption that came too late
        except KeyboardInterrupt:
            if has_returned:
                revlora.unmerge_all(model.weights, adapters, records)
            else:
                heeded += 1
        assert model.bits() == base
    assert heeded > 0
