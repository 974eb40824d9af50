"""Who calls `revlora.checkpoint` hears how far it is, and may stop it; and calls meet each other."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import threading
from typing import Any, Callable, List, Tuple

import pytest

from revlora import checkpoint
from revlora.checkpoint import CheckpointError

from conftest import LLAMA, OCR, contents, of_model

Told = List[Tuple[str, int, int]]


def test_progress_grows_to_its_end_on_the_thread_of_the_call(llama: pathlib.Path) -> None:
    told: Told = []
    threads = set()

    def progress(doing: str, done: int, total: int) -> None:
        told.append((doing, done, total))
        threads.add(threading.get_ident())

    checkpoint.merge(llama, LLAMA / "rslora-all-r32", threads=4, progress=progress)
    checkpoint.verify(llama, progress=progress)
    checkpoint.unmerge(llama, progress=progress)
    assert threads == {threading.get_ident()}
    for doing in ("merging", "checking", "unmerging"):
        done = [each[1] for each in told if each[0] == doing]
        assert done and (done == sorted(done) or doing == "checking"), doing
        last = [each for each in told if each[0] == doing][-1]
        assert last[1] == last[2] > 0, doing


class Unwanted(Exception):
    """What a progress callback of the user's raises."""


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def refuse() -> None:
    raise Unwanted


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("way, expected", [(refuse, Unwanted), (interrupt, KeyboardInterrupt)])
def test_what_stops_a_call_leaves_the_model_as_it_was_at_any_moment(
    llama: pathlib.Path, way: Callable[[], None], expected: type[BaseException], threads: int
) -> None:
    adapter = LLAMA / "rslora-all-r32"

    def stopped(call: Callable[..., Any]) -> None:
        """Stops it at each of its moments in turn, until it comes to its end."""
        before = contents(llama)
        moment = 0
        while True:
            seen: List[str] = []

            def progress(doing: str, done: int, total: int) -> None:
                seen.append(doing)
                if len(seen) > moment:  # also while it is led back, which goes on
                    way()

            try:
                call(progress)
            except expected:
                assert contents(llama) == before, (moment, seen[moment])
                moment += 1 if moment < 3 else 7
            else:
                break
        assert moment > (10 if threads == 1 else 0)  # others may do most of it
        if way is refuse:
            assert len(seen) <= moment, "an exception of the callback was lost"

    stopped(lambda told: checkpoint.merge(llama, adapter, threads=threads, progress=told))
    stopped(
        lambda told: checkpoint.swap(llama, LLAMA / "patterns", threads=threads, progress=told)
    )
    stopped(lambda told: checkpoint.unmerge(llama, threads=threads, progress=told))
    assert of_model(llama) == {
        name: what for name, what in contents(LLAMA).items() if "/" not in name and what != "folder"
    }


def test_ctrl_c_is_heeded_while_the_engine_is_at_work(llama: pathlib.Path) -> None:
    before = contents(llama)
    is_at_work = is_over = False

    def press_when_at_work() -> None:
        while not any(llama.glob(".revlora-*")) and not is_over:
            pass
        os.kill(os.getpid(), signal.SIGINT)

    def handle(*_: object) -> None:
        if is_at_work:
            raise KeyboardInterrupt

    stopped = 0
    handler_before = signal.signal(signal.SIGINT, handle)
    try:
        for _ in range(50):
            is_at_work, is_over = True, False
            other = threading.Thread(target=press_when_at_work)
            other.start()
            try:
                checkpoint.merge(llama, LLAMA / "rslora-all-r32")
                is_at_work = False
            except KeyboardInterrupt:
                is_at_work = False
            is_over = True
            other.join()
            if contents(llama) == before:
                stopped += 1
                continue
            checkpoint.unmerge(llama)  # it came too late
            (llama / "model.undo").unlink()
            assert contents(llama) == before
    finally:
        signal.signal(signal.SIGINT, handler_before)
    assert stopped > 0


def test_a_callback_may_call_the_engine(llama: pathlib.Path, ocr: pathlib.Path) -> None:
    inner: Told = []

    def progress(*_: object) -> None:
        if not inner:
            checkpoint.merge(ocr, OCR / "lora-r8", progress=lambda *told: inner.append(told))

    checkpoint.merge(llama, LLAMA / "lora-qv-r8", progress=progress)
    assert inner[-1][0] == "merging" and inner[-1][1] == inner[-1][2]
    assert checkpoint.verify(llama)["condition"] == checkpoint.verify(ocr)["condition"] == "merged"


def test_calls_of_several_threads(tmp_path: pathlib.Path) -> None:
    folders = []
    for number in range(4):
        folders.append(tmp_path / str(number))
        folders[-1].mkdir()
        shutil.copy(OCR / "model.safetensors", folders[-1])
    merged = tmp_path / "merged.safetensors"
    alone = checkpoint.merge(OCR / "model.safetensors", OCR / "lora-r8", out=merged)
    failures: List[BaseException] = []

    def work(folder: pathlib.Path) -> None:
        told: Told = []
        try:
            for _ in range(5):
                result = checkpoint.merge(
                    folder, OCR / "lora-r8", sync=False, progress=lambda *each: told.append(each)
                )
                assert result["changed"] == alone["changed"]
                assert (folder / "model.safetensors").read_bytes() == merged.read_bytes()
                checkpoint.unmerge(folder, sync=False)
            assert [each[1] for each in told].count(told[-1][2]) >= 5
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in folders]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def test_two_calls_on_one_folder_refuse_each_other(ocr: pathlib.Path) -> None:
    refused: List[str] = []

    def progress(*_: object) -> None:
        with pytest.raises(CheckpointError) as found:
            checkpoint.merge(ocr, OCR / "lora-r8")
        refused.append(str(found.value))

    checkpoint.merge(ocr, OCR / "lora-r8", progress=progress)
    assert "another" in refused[0]
