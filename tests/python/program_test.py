"""``python -m revlora`` is the program."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import revlora

from conftest import DATA

OCR = DATA / "ocr-bf16"
PROGRAM = [sys.executable, "-m", "revlora"]


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def model(tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copy(OCR / "model.safetensors", tmp_path))


def test_it_says_its_version() -> None:
    said = run("--version")
    assert said.returncode == 0 and said.stderr == ""
    assert said.stdout == (
        f"revlora {revlora.__version__}, computes with {revlora.instruction_set()}\n"
    )


def test_the_demo_has_its_data() -> None:
    said = run("demo")
    assert said.returncode == 0, said.stderr
    assert said.stdout.endswith("equal: every bit is back\n")


def test_its_exit_status_is_the_state_of_the_model(model: pathlib.Path) -> None:
    before = model.read_bytes()
    assert run("merge", model, OCR / "lora-r8").returncode == 0
    assert run("verify", model).returncode == 4
    refused = run("merge", model, OCR / "lora-r8")
    assert refused.returncode == 1
    assert refused.stderr.startswith("revlora: ") and refused.stderr.count("\n") == 1
    assert run("unmerge", model).returncode == 0
    assert run("verify", model).returncode == 0
    assert model.read_bytes() == before
    nothing = run()
    assert nothing.returncode == 1 and "revlora --help" in nothing.stderr


def test_words_that_are_no_utf_8_are_paths(tmp_path: pathlib.Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.safetensors"
    shutil.copy(os.fsencode(OCR / "model.safetensors"), name)
    said = subprocess.run([*map(os.fsencode, PROGRAM), b"info", name], capture_output=True)
    assert said.returncode == 0, said.stderr
    assert b"\\xff.safetensors" in said.stdout


def test_a_signal_ends_it_as_a_program(model: pathlib.Path) -> None:
    before = model.read_bytes()
    program = (
        "import os, signal, threading, revlora.__main__ as program\n"
        "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "while program.main() == 0: pass"
    )
    words = ["merge", str(model), str(OCR / "lora-r8"), "--dry-run", "--quiet"]
    ended = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr == "revlora: interrupted: the model is as it was\n"
    assert model.read_bytes() == before
