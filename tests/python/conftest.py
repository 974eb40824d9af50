"""What several of the tests use."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
from typing import Any, Dict

import numpy as np
import pytest

import revlora

DATA = pathlib.Path(__file__).parents[1] / "data"
OCR = DATA / "ocr-bf16"
LLAMA = DATA / "llama-bf16"


class Stored:
    """Numbers of a type that NumPy has not, as its users hold them: their bits, and a name."""

    def __init__(self, bits: np.ndarray[Any, Any], dtype: str) -> None:
        self.bits = bits
        self.dtype = dtype

    def view(self, dtype: str) -> np.ndarray[Any, Any]:
        return self.bits.view(dtype)


class Scene:
    """Random weights and adapters."""

    def __init__(self, seed: int = 0, rows: int = 48, cols: int = 80, rank: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = (rows, cols)
        self.rank = rank
        self.weights = self.draw(rows, cols, 0.05)

    def draw(self, rows: int, cols: int, scale: float) -> np.ndarray[Any, Any]:
        return (self.random.standard_normal((rows, cols)) * scale).astype(np.float32)

    def adapter(self, strength: float = 2.0) -> revlora.Adapter:
        rows, cols = self.shape
        return revlora.Adapter(
            self.draw(rows, self.rank, 0.1), self.draw(self.rank, cols, 0.1), strength
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


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
