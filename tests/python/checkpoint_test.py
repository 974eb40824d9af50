"""`revlora.checkpoint`: the bytes are the program's, and whoever listens is heard."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Tuple

import pytest

from revlora import InvalidInput, checkpoint
from revlora.checkpoint import CheckpointError

from conftest import DATA

OCR = DATA / "ocr-bf16"
LLAMA = DATA / "llama-bf16"
if "REVLORA_PROGRAM" in os.environ:
    PROGRAM = [os.environ["REVLORA_PROGRAM"]]
else:
    PROGRAM = [sys.executable, "-m", "revlora"]

Told = List[Tuple[str, int, int]]


def contents(folder: pathlib.Path) -> Dict[str, str]:
    """All that is in a folder: names, and hashes of what the files have in them."""
    return {
        str(each.relative_to(folder)): (
            hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else "folder"
        )
        for each in sorted(folder.rglob("*"))
    }


def of_model(folder: pathlib.Path) -> Dict[str, str]:
    return {name: what for name, what in contents(folder).items() if not name.endswith(".undo")}


def program(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def ocr(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "ocr"
    folder.mkdir()
    shutil.copy(OCR / "model.safetensors", folder)
    return folder


@pytest.fixture
def llama(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "llama"
    folder.mkdir()
    for each in LLAMA.iterdir():
        if each.is_file():
            shutil.copy(each, folder)
    return folder


def test_a_merge_is_the_programs_and_unmerge_brings_every_bit_back(
    llama: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    before = contents(llama)
    other = tmp_path / "by-program"
    shutil.copytree(llama, other)
    done = program("merge", other, f"{LLAMA / 'lora-qv-r8'}=0.5", LLAMA / "rslora-all-r32")
    assert done.returncode == 0, done.stderr

    result = checkpoint.merge(llama, [(LLAMA / "lora-qv-r8", 0.5), LLAMA / "rslora-all-r32"])
    assert of_model(llama) == of_model(other) != before
    assert result["changed"] > 0 and result["adapters"] == 2 and not result["dry_run"]
    assert result["model"] == str(llama) and result["undo"] == str(llama / "model.undo")
    assert result["notes"] == [] and result["warnings"] == []

    found = checkpoint.verify(llama)
    assert found["condition"] == "merged"
    assert [each["strength"] for each in found["adapters"]] == [0.5, 1]
    restored = checkpoint.unmerge(str(llama))
    assert restored["restored"] == len(result["tensors"])
    assert of_model(llama) == before
    assert checkpoint.verify(llama)["condition"] == "base"


def test_a_swap_is_a_merge_into_the_base(llama: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before = contents(llama)
    wanted = tmp_path / "wanted"
    checkpoint.merge(llama, (LLAMA / "patterns", (LLAMA / "lora-qv-r8", -2)), out=wanted)
    assert contents(llama) == before, "a model that is not merged in place stays as it is"
    checkpoint.merge(llama, LLAMA / "lora-qv-r8")
    checkpoint.swap(llama, [LLAMA / "patterns", (LLAMA / "lora-qv-r8", -2)])
    assert of_model(llama) == of_model(wanted)
    assert checkpoint.swap(llama, [])["command"] == "swap"
    assert of_model(llama) == before


def test_results_are_the_programs_json(ocr: pathlib.Path) -> None:
    model = ocr / "model.safetensors"
    words = ["merge", model, OCR / "lora-r8", "--dry-run", "--json"]
    assert json.loads(program(*words).stdout) == checkpoint.merge(
        model, OCR / "lora-r8", dry_run=True
    )
    for path in (model, OCR / "lora-r8"):
        said = json.loads(program("info", path, "--json").stdout)
        assert {"notes": [], **said} == checkpoint.info(path)
    assert contents(ocr) == {"model.safetensors": contents(OCR)["model.safetensors"]}


def test_what_a_merge_is_asked_for_it_does(ocr: pathlib.Path, tmp_path: pathlib.Path) -> None:
    model = ocr / "model.safetensors"
    undo = tmp_path / "kept.undo"
    rounded = checkpoint.merge(
        model, OCR / "lora-r8", undo=undo, recipe="peft", embed=False, sync=False, threads=1
    )
    assert rounded["factor_bytes"] == 0 and undo.exists()
    assert "keep the adapters" in rounded["notes"][0]
    moved = shutil.copytree(OCR / "lora-r8", tmp_path / "moved")
    checkpoint.unmerge(model, undo=undo, adapters=[moved])
    assert contents(ocr) == {"model.safetensors": contents(OCR)["model.safetensors"]}


def test_what_was_likely_not_meant_is_a_warning(ocr: pathlib.Path) -> None:
    result = checkpoint.merge(ocr, [(OCR / "lora-r8", 0)])
    assert result["warnings"] == ["the merge changed nothing: the strength is 0"]


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
                if len(seen) == moment + 1:
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

    def press_when_at_work() -> None:
        while not any(llama.glob(".revlora-*")) and not is_over.is_set():
            pass
        os.kill(os.getpid(), signal.SIGINT)

    stopped = 0
    for _ in range(50):
        is_over = threading.Event()
        other = threading.Thread(target=press_when_at_work)
        try:
            other.start()
            try:
                checkpoint.merge(llama, LLAMA / "rslora-all-r32")
            finally:
                is_over.set()
                other.join()
                is_base = contents(llama) == before
            time.sleep(10)
        except KeyboardInterrupt:
            pass
        if is_base:
            stopped += 1
            continue
        checkpoint.unmerge(llama)  # it came too late
        (llama / "model.undo").unlink()
        assert contents(llama) == before
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


def test_errors_by_type(ocr: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before = contents(ocr)
    model = ocr / "model.safetensors"
    one_pair: Any = (OCR / "lora-r8", 0.5)
    refused: List[Tuple[Callable[[], object], str]] = [
        (lambda: checkpoint.merge(model, tmp_path / "nothing"), "nothing"),
        (lambda: checkpoint.merge(tmp_path / "nothing", OCR / "lora-r8"), "nothing"),
        (lambda: checkpoint.merge(model, LLAMA / "lora-qv-r8"), "revlora: "),
        (lambda: checkpoint.unmerge(model), "undo"),
        (lambda: checkpoint.verify(model), "undo"),
        (lambda: checkpoint.info(tmp_path / "nothing"), "nothing"),
    ]
    for call, text in refused:
        with pytest.raises(CheckpointError, match=text) as found:
            call()
        assert type(found.value) is CheckpointError and isinstance(found.value, RuntimeError)
    invalid: List[Tuple[Callable[[], object], str]] = [
        (lambda: checkpoint.merge(model, OCR / "lora-r8", recipe="exact"), "'peft'"),
        (lambda: checkpoint.merge(model, OCR / "lora-r8", threads=-1), "threads is -1"),
        (lambda: checkpoint.merge(model, [(OCR / "lora-r8", float("nan"))]), "finite"),
        (lambda: checkpoint.merge(model, one_pair), "0.5 is no adapter"),
        (lambda: checkpoint.merge("a\0b", OCR / "lora-r8"), "null character"),
    ]
    for call, text in invalid:
        with pytest.raises(InvalidInput, match=text):
            call()
    with pytest.raises(TypeError):
        checkpoint.merge(None, OCR / "lora-r8")  # type: ignore[arg-type]
    assert contents(ocr) == before


def test_a_link_is_noted_in_the_result(ocr: pathlib.Path, tmp_path: pathlib.Path) -> None:
    os.link(ocr / "model.safetensors", tmp_path / "second-name")
    result = checkpoint.merge(ocr, OCR / "lora-r8")
    assert len(result["notes"]) == 1 and "other" in result["notes"][0]


def test_files_get_the_permissions_of_what_they_are_made_of(ocr: pathlib.Path) -> None:
    model = ocr / "model.safetensors"
    model.chmod(0o640)
    before = os.umask(0)
    try:
        seen = set()

        def progress(*_: object) -> None:
            for each in ocr.rglob("*"):
                seen.add(each.stat().st_mode & 0o777)

        checkpoint.merge(model, OCR / "lora-r8", progress=progress)
    finally:
        os.umask(before)
    assert {each & 0o007 for each in seen} == {0}, [oct(each) for each in seen]
    assert model.stat().st_mode & 0o777 == 0o640
    assert (ocr / "model.undo").stat().st_mode & 0o777 == 0o640


def test_too_many_open_files_are_said(llama: pathlib.Path) -> None:
    before = contents(llama)
    opened = len(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 2, limits[1]))
    try:
        with pytest.raises(CheckpointError, match="Too many open files"):
            checkpoint.merge(llama, LLAMA / "lora-qv-r8")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert contents(llama) == before


def test_nothing_is_printed(llama: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    os.link(llama / "model-00001-of-00003.safetensors", llama.parent / "second-name")
    checkpoint.merge(llama, LLAMA / "lora-qv-r8")
    with pytest.raises(CheckpointError):
        checkpoint.merge(llama, LLAMA / "lora-qv-r8")
    checkpoint.unmerge(llama)
    assert capfd.readouterr() == ("", "")
