"""`revlora.checkpoint`: the bytes are the program's, and what is wrong is said."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
from typing import Any, Callable, List, Tuple

import pytest

from revlora import InvalidInput, checkpoint
from revlora.checkpoint import CheckpointError

from conftest import LLAMA, OCR, contents, of_model

if "REVLORA_PROGRAM" in os.environ:
    PROGRAM = [os.environ["REVLORA_PROGRAM"]]
else:
    PROGRAM = [sys.executable, "-m", "revlora"]


def program(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True)


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
