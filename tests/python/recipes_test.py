"""The recipes of docs/python.md, as they stand there."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import DATA

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "python.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## ([^\n]*)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", PAGE, re.M | re.S))


def test_the_page_has_its_recipes() -> None:
    assert len(RECIPES) == 3


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_brings_every_bit_back(title: str, tmp_path: pathlib.Path) -> None:
    program = RECIPES[title]
    for module in re.findall(r"^import (\w+)$", program, re.M):
        pytest.importorskip(module)
    shutil.copy(DATA / "ocr-bf16" / "model.safetensors", tmp_path)
    shutil.copytree(DATA / "ocr-bf16" / "lora-r8", tmp_path / "adapter")
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "every bit is back: True" in done.stdout
