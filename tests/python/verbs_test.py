"""The verbs on one matrix."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from typing import Callable

import numpy as np
import pytest

import revlora
from conftest import Scene


def test_merge_and_unmerge_lead_back(scene: Scene) -> None:
    base = scene.weights.tobytes()
    adapter = scene.adapter()
    record = revlora.merge(scene.weights, adapter)
    merged = scene.weights.tobytes()
    assert merged != base
    assert record.report is not None and record.report.changed > 0
    assert record.report.became_not_finite == 0
    assert revlora.state_of(scene.weights, record) == "merged"
    revlora.unmerge(scene.weights, adapter, record)
    assert scene.weights.tobytes() == base
    assert revlora.state_of(scene.weights, record) == "base"
    assert revlora.merge(scene.weights, adapter) == record
    assert scene.weights.tobytes() == merged


def test_another_place_has_the_same_bits(scene: Scene) -> None:
    base = scene.weights.tobytes()
    adapter = scene.adapter()
    merged, back = np.empty_like(scene.weights), np.empty_like(scene.weights)
    scene.weights.flags.writeable = False
    record = revlora.merge(scene.weights, adapter, out=merged)
    revlora.unmerge(merged, adapter, record, out=back)
    assert scene.weights.tobytes() == back.tobytes() == base
    in_place = scene.weights.copy()
    revlora.merge(in_place, adapter)
    assert in_place.tobytes() == merged.tobytes()
    plain = np.empty_like(merged)
    assert revlora.merge_for_good(scene.weights, adapter, out=plain) == record.report
    assert plain.tobytes() == merged.tobytes()


def test_swap_leaves_what_a_fresh_merge_would(scene: Scene) -> None:
    first, second, third = scene.adapter(1.0), scene.adapter(0.5), scene.adapter(-2.0)
    base = scene.weights.copy()
    record = revlora.merge(scene.weights, [first, second, third])
    report = revlora.swap(scene.weights, [first, second, third], [third, first], record)
    fresh = base.copy()
    assert revlora.merge(fresh, [third, first]) == record
    assert fresh.tobytes() == scene.weights.tobytes()
    assert record.report == report
    revlora.swap(scene.weights, [third, first], [second], record, recipe="rounded_delta")
    assert record.recipe == "rounded_delta"
    revlora.unmerge(scene.weights, second, record)
    assert scene.weights.tobytes() == base.tobytes()


def test_swap_of_nothing_with_a_fresh_record_is_a_merge(scene: Scene) -> None:
    adapter = scene.adapter()
    other = scene.weights.copy()
    record = revlora.Record()
    revlora.swap(scene.weights, [], adapter, record)
    assert revlora.merge(other, adapter) == record
    assert other.tobytes() == scene.weights.tobytes()


def test_subtract_is_rounded(scene: Scene) -> None:
    base = scene.weights.copy()
    adapter = scene.adapter()
    revlora.merge_for_good(scene.weights, adapter)
    report = revlora.subtract(scene.weights, adapter)
    assert report.changed > 0
    assert scene.weights.tobytes() != base.tobytes()
    np.testing.assert_allclose(scene.weights, base, atol=1e-6)


def test_transposed_weights_take_transposed_adapters(scene: Scene) -> None:
    adapter = scene.adapter()
    lying = np.ascontiguousarray(scene.weights.T)
    revlora.merge(lying, adapter.transposed())
    revlora.merge(scene.weights, adapter)
    assert np.ascontiguousarray(lying.T).tobytes() == scene.weights.tobytes()


def test_refusals_have_reasons(scene: Scene) -> None:
    adapter, other = scene.adapter(), scene.adapter()
    record = revlora.merge(scene.weights, adapter)
    merged = scene.weights.tobytes()
    for wrong, reason in [
        (other, "other_adapter"),
        ([adapter, other], "other_count"),
        ([], "other_count"),
    ]:
        with pytest.raises(revlora.RecordRefused) as refused:
            revlora.unmerge(scene.weights, wrong, record)
        assert refused.value.reason == reason
        assert revlora.validate(scene.weights, wrong, record).reason == reason
        assert scene.weights.tobytes() == merged
    with pytest.raises(revlora.RecordRefused) as refused:
        revlora.unmerge(scene.weights, adapter, revlora.Record())
    assert refused.value.reason == "empty_record"
    assert pickle.loads(pickle.dumps(refused.value)).reason == "empty_record"
    scene.weights[3, 4] += 1
    changed = scene.weights.tobytes()
    with pytest.raises(revlora.RecordRefused, match="changed since") as refused:
        revlora.unmerge(scene.weights, adapter, record)
    assert refused.value.reason == "weights_changed"
    assert scene.weights.tobytes() == changed
    assert revlora.state_of(scene.weights, record) == "other"


def test_validate_asks_before(scene: Scene) -> None:
    assert revlora.validate(scene.weights, scene.adapter())
    narrow = scene.weights[:, 1:]
    found = revlora.validate(narrow, scene.adapter())
    assert not found and found.reason == "invalid_input" and "48×79" in found.text
    with pytest.raises(revlora.InvalidInput) as refused:
        revlora.merge(narrow, scene.adapter())
    assert str(refused.value) == found.text


def test_wrong_arguments_are_named(scene: Scene) -> None:
    adapter = scene.adapter()
    for call, text in [
        (lambda: revlora.merge(scene.weights, "adapter"), "not str"),
        (lambda: revlora.merge(scene.weights, [scene.weights]), "not ndarray"),
        (lambda: revlora.merge(scene.weights, adapter, recipe="best"), "'best'"),
        (lambda: revlora.merge(scene.weights, adapter, threads=-1), "threads is -1"),
        (lambda: revlora.merge(scene.weights, scene.adapter(float("nan"))), "strength"),
        (lambda: revlora.Adapter.hadamard((scene.weights,), (), 1.0), "a pair"),
    ]:
        with pytest.raises(revlora.InvalidInput, match=text):
            call()


def test_records_are_bytes_pickles_and_copies(scene: Scene) -> None:
    adapter = scene.adapter()
    record = revlora.merge(scene.weights, adapter)
    data = record.to_bytes()
    assert bytes(record) == data and len(data) == record.nbytes and record.adapter_count == 1
    for same in (
        revlora.Record.from_bytes(data),
        pickle.loads(pickle.dumps(record)),
        copy.copy(record),
        copy.deepcopy(record),
    ):
        assert same == record and same is not record
    assert revlora.Record() == pickle.loads(pickle.dumps(revlora.Record()))
    assert revlora.Record() != record and record != data
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    for wrong, reason in [
        (bytes(damaged), "damaged"),
        (data[:-1], "truncated"),
        (b"something else", "not_a_record"),
        (b"", "not_a_record"),
    ]:
        with pytest.raises(revlora.RecordRefused) as refused:
            revlora.Record.from_bytes(wrong)
        assert refused.value.reason in (reason, "truncated")


def test_threads_change_no_bit() -> None:
    merged = set()
    for threads in (0, 1, 2, 5):
        scene = Scene(rows=300, cols=500)
        record = revlora.merge(scene.weights, scene.adapter(), threads=threads)
        merged.add(scene.weights.tobytes() + record.to_bytes())
    assert len(merged) == 1


def test_other_threads_run_meanwhile() -> None:
    scene = Scene(rows=2048, cols=2048, rank=64)
    adapter = scene.adapter()
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    clock = threading.Thread(target=tick)
    clock.start()
    begin = time.perf_counter()
    while time.perf_counter() - begin < 0.5:
        revlora.merge(scene.weights, adapter, threads=1)
        took = time.perf_counter()
    done.set()
    clock.join()
    # Without the lock released, a tick would come between two calls only.
    calls_end = [t for t in ticks if begin < t < took]
    begin = time.perf_counter()
    revlora.merge(scene.weights, adapter, threads=1)
    assert len(calls_end) > 2 * 0.5 / (time.perf_counter() - begin)


def test_a_record_is_used_by_one_call_at_a_time() -> None:
    scene = Scene(rows=1024, cols=1024, rank=64)
    adapter, other = scene.adapter(), scene.adapter()
    places = [scene.weights.copy(), scene.weights.copy()]
    record = revlora.merge(places[0], adapter)
    revlora.merge(places[1], adapter)
    outcomes: list[str] = []

    def swap(place: np.ndarray) -> None:
        for _ in range(50):
            try:
                revlora.swap(place, adapter, other, record, threads=1)
                revlora.swap(place, other, adapter, record, threads=1)
            except revlora.InvalidInput as error:
                outcomes.append(str(error))
                return

    workers = [threading.Thread(target=swap, args=(place,)) for place in places]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert outcomes and all("in use" in text or "W" in text or "adapter" in text for text in outcomes)


def test_an_interruption_leaves_no_weights_without_a_record() -> None:
    scene = Scene(rows=2048, cols=2048, rank=64)
    adapter, other = scene.adapter(), scene.adapter()
    base = scene.weights.tobytes()
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(call: Callable[[], object], undo: Callable[[], object]) -> None:
        """Ctrl-C during the call; again, if it came too early or too late."""
        for _ in range(20):
            timer = threading.Timer(0.002, lambda: signal.pthread_kill(main, signal.SIGINT))
            has_begun = has_returned = False
            try:
                timer.start()
                has_begun = True
                call()
                has_returned = True
                timer.join()
                time.sleep(0.1)
            except KeyboardInterrupt:
                if has_begun and not has_returned:
                    return
            if has_returned:
                undo()
        raise AssertionError("no call was interrupted")

    records = []
    interrupt(
        lambda: records.append(revlora.merge(scene.weights, adapter, threads=1)),
        lambda: revlora.unmerge(scene.weights, adapter, records.pop()),
    )
    assert scene.weights.tobytes() == base
    record = revlora.merge(scene.weights, adapter)
    merged, data = scene.weights.tobytes(), record.to_bytes()
    interrupt(
        lambda: revlora.swap(scene.weights, adapter, other, record, threads=1),
        lambda: revlora.swap(scene.weights, other, adapter, record),
    )
    assert scene.weights.tobytes() == merged and record.to_bytes() == data
    interrupt(
        lambda: revlora.unmerge(scene.weights, adapter, record, threads=1),
        lambda: revlora.merge_for_good(scene.weights, adapter),
    )
    assert scene.weights.tobytes() == merged


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_works_in_a_child_of_fork() -> None:
    scene = Scene(rows=1024, cols=1024)
    adapter = scene.adapter()
    base = scene.weights.tobytes()
    record = revlora.merge(scene.weights, adapter, threads=2)  # a team, which fork does not copy
    child = os.fork()
    if child == 0:
        try:
            revlora.unmerge(scene.weights, adapter, record, threads=2)
            os._exit(0 if scene.weights.tobytes() == base else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + 30
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child waits for threads of its parent's")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(status) == 0


def test_says_what_it_computes_with() -> None:
    assert revlora.instruction_set() in {
        "sse2", "avx2", "avx512", "avx512vbmi2", "avx512bf16", "amx", "neon"
    }
    assert revlora.__version__.count(".") == 2
