"""Checkpoints on disk: adapters merged into a model's files in place, and taken out bit for bit.

    revlora.checkpoint.merge("llama/", ["style", ("facts", 0.5)])  # writes llama/model.undo, too
    revlora.checkpoint.swap("llama/", "other-adapter")
    revlora.checkpoint.unmerge("llama/")                           # every bit is what it was

It is the engine of the program ``revlora`` (``python -m revlora``), and ``man revlora`` says what
it understands and promises: a model is a ``.safetensors`` file or a folder with one in it, sharded or
not; an adapter what PEFT, kohya, diffusers and others save. Nothing has to fit into memory, and
nothing is printed: what there is to say stands in the results, under ``notes`` and ``warnings``.

A call that raises anything leaves the model as it was, and nothing behind. That is so for Ctrl-C,
and for what ``progress`` raises, too. The exceptions to this say so by their type: `PartlyDone` and
`DoneWithTrouble`.

``progress`` is called as ``progress(doing, done, total)``, with a word or two and two numbers of
bytes, on the thread of the call. For each kind of work ``done`` grows, and is ``total`` at its end;
while a failed call leads files back, ``total`` is 0, and what is raised goes to
`sys.unraisablehook`.

Calls of several threads may work at a time; those on one folder refuse each other.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Optional, Sequence

from . import _native
from ._checkpoint_results import (
    MergedAdapter,
    MergeResult,
    TensorCondition,
    TensorOutlook,
    UnmergeResult,
    Update,
    VerifyResult,
)
from ._errors import CheckpointError, DoneWithTrouble, PartlyDone
from ._paths import AdapterPaths, Path, encoded, encoded_adapters, encoded_or_none

__all__ = [
    "AdapterPaths",
    "CheckpointError",
    "DoneWithTrouble",
    "MergeResult",
    "MergedAdapter",
    "PartlyDone",
    "Path",
    "Progress",
    "TensorCondition",
    "TensorOutlook",
    "UnmergeResult",
    "Update",
    "VerifyResult",
    "info",
    "merge",
    "swap",
    "unmerge",
    "verify",
]

Progress = Callable[[str, int, int], object]


def merge(
    model: Path,
    adapters: AdapterPaths,
    *,
    out: Optional[Path] = None,
    undo: Optional[Path] = None,
    recipe: str = "fused",
    fan_in_fan_out: Optional[bool] = None,
    allow_unused: bool = False,
    embed: bool = True,
    dry_run: bool = False,
    weights: Optional[str] = None,
    overwrite_undo: bool = False,
    force: bool = False,
    sync: bool = True,
    threads: int = 0,
    progress: Optional[Progress] = None,
) -> MergeResult:
    """Merges adapters into a model, in place.

    Every changed file is made beside the old one and takes its place when it is whole. What leads
    back is written first: the undo file, ``<folder>/model.undo`` or ``<stem>.undo`` beside the
    model, or ``undo``.

    - ``out``: leave the model alone, write a new file or folder.
    - ``recipe``: how ``W + D`` is rounded: once (``fused``), ``D`` first to the type of the weights
      (``rounded_delta``), or for each kind of layer as PEFT's merge does it (``peft``).
    - ``fan_in_fan_out``: whether square weights lie as ``[in, out]``; needed only where neither the
      model nor the adapter tells.
    - ``allow_unused``: go on without what was trained and cannot be merged, and note what it is.
    - ``embed=False``: leave the factors out of the undo file. It is smaller, and the adapters have
      to be kept as they are, bit for bit.
    - ``dry_run``: write nothing, only say what would be done.
    - ``weights``: of several sets of weights in the folder the one meant: the name of its file or
      index.
    - ``overwrite_undo``: write the undo file over one that leads another model back, which is lost.
    - ``force``: replace files that are read-only, too.
    - ``sync=False``: do not wait until files are on disk. A power loss may then leave a model that
      nothing leads back.
    - ``threads``: how many work; 0 for as many as there are processors, eight at most.

    Raises `CheckpointError`, and `InvalidInput` for arguments that can be none.
    """
    result: MergeResult = _run(
        _native.merge_checkpoint,
        encoded(model),
        encoded_adapters(adapters),
        encoded_or_none(out),
        encoded_or_none(undo),
        overwrite_undo,
        _native.MergeOptions(recipe, fan_in_fan_out, allow_unused, embed, dry_run),
        _native.CommonOptions(force, sync, threads, weights),
        progress,
    )
    return result


def unmerge(
    model: Path,
    *,
    undo: Optional[Path] = None,
    adapters: Sequence[Path] = (),
    dry_run: bool = False,
    weights: Optional[str] = None,
    force: bool = False,
    sync: bool = True,
    threads: int = 0,
    progress: Optional[Progress] = None,
) -> UnmergeResult:
    """Brings a merged model back, bit for bit, and also what an interrupted call left half-way.

    ``adapters``: where those that were merged are now, in the order of the merge; needed only if
    they moved and the undo file was made with ``embed=False``. The rest is as of `merge`.
    """
    result: UnmergeResult = _run(
        _native.unmerge_checkpoint,
        encoded(model),
        encoded_or_none(undo),
        [encoded(each) for each in adapters],
        dry_run,
        _native.CommonOptions(force, sync, threads, weights),
        progress,
    )
    return result


def swap(
    model: Path,
    to: AdapterPaths,
    *,
    undo: Optional[Path] = None,
    adapters: Sequence[Path] = (),
    recipe: str = "fused",
    fan_in_fan_out: Optional[bool] = None,
    allow_unused: bool = False,
    embed: bool = True,
    dry_run: bool = False,
    weights: Optional[str] = None,
    force: bool = False,
    sync: bool = True,
    threads: int = 0,
    progress: Optional[Progress] = None,
) -> MergeResult:
    """Puts other adapters in the place of those that are merged, in one pass, and exactly.

    The weights are those of a merge into the base. ``to`` may be empty: the base. ``adapters`` is
    as of `unmerge`, the rest as of `merge`.
    """
    result: MergeResult = _run(
        _native.swap_checkpoint,
        encoded(model),
        encoded_adapters(to),
        encoded_or_none(undo),
        [encoded(each) for each in adapters],
        _native.MergeOptions(recipe, fan_in_fan_out, allow_unused, embed, dry_run),
        _native.CommonOptions(force, sync, threads, weights),
        progress,
    )
    return result


def verify(
    model: Path,
    *,
    undo: Optional[Path] = None,
    weights: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> VerifyResult:
    """Tells whether a model is at its base, or merged, and with what. Changes nothing."""
    common = _native.CommonOptions(False, True, 0, weights)
    result: VerifyResult = _run(
        _native.verify_checkpoint, encoded(model), encoded_or_none(undo), common, progress
    )
    return result


def info(
    path: Path, *, weights: Optional[str] = None, progress: Optional[Progress] = None
) -> Dict[str, Any]:
    """Tells what a model, an adapter or an undo file is.

    Under ``kind`` stands which of them it is: ``model``, ``adapter`` or ``undo``; the other keys
    depend on that, and ``man revlora`` lists them. Adapters that cannot be merged are described,
    too: ``refused`` says why not, or is None.
    """
    result: Dict[str, Any] = _run(_native.describe_path, encoded(path), weights, progress)
    return result


def _run(call: Callable[..., str], *arguments: Any) -> Any:
    notes: List[str] = []
    try:
        result = json.loads(call(*arguments, notes))
    except CheckpointError as error:
        error.notes = tuple(notes)
        raise
    result["notes"] = notes + result.get("notes", [])
    if result.get("trouble"):
        raise DoneWithTrouble(f"revlora: {result['trouble']}", result)
    return result
