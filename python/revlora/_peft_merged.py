"""What is merged into a model of PEFT, kept by its layers; and the one way to change it."""

from __future__ import annotations

import warnings
import weakref
from typing import Any, Dict, List, Optional, Tuple

import torch
from peft.tuners.trainable_tokens import TrainableTokensLayer

from ._errors import InvalidInput
from ._many import swap_all
from ._native import Adapter, Record
from ._peft_places import refusal
from ._peft_plan import Matrix, Memory, Plan, tuner_layers
from ._verbs import validate

NOTHING = Plan({}, [])


class Merged:
    """A merge of adapters into a model.

    Its layers have its `merge` and `unmerge` in place of their own, so that where PEFT takes out
    what is merged, since a layer is disabled or gets another adapter, it does so exactly, and in
    the whole model at once. They are held weakly, so that a model that is dropped is freed at once.
    A copy or a pickle of a model has a merge of its own.
    """

    def __init__(self) -> None:
        self.matrices: List[Matrix] = []
        self.threads = 0
        self._layers: List[Tuple[weakref.ref[Any], List[str]]] = []

    def layers(self) -> List[Tuple[Any, List[str]]]:
        """Those that are still there, with the names of what is merged in each."""
        return [(ref(), names) for ref, names in self._layers if ref() is not None]

    def merge(self, safe_merge: bool = False, adapter_names: Optional[List[str]] = None) -> None:
        """Stands for a layer's own: nothing may be added to a merge but by `swap`."""
        names = adapter_names
        if names is None:
            names = [name for layer, _ in self.layers() for name in layer.active_adapters]
        new = set(names) - {name for _, merged in self.layers() for name in merged}
        if new:
            raise InvalidInput(
                f"revlora: {sorted(new)} cannot be merged too by PEFT, since what revlora has "
                "merged could not be taken out then: call revlora.peft.swap(model, names) with all "
                "that is to be merged, or revlora.peft.unmerge(model) first"
            )
        warnings.warn("All adapters are already merged, nothing to do.", stacklevel=2)

    def unmerge(self) -> None:
        """Stands for a layer's own: leads the base back, of all layers of this merge."""
        exchange([self], NOTHING, None, self.threads)

    def show(self) -> None:
        """Tells the layers that they are merged, and not to add their updates."""
        for layer, names in self.layers():
            layer.merged_adapters = list(names)
            layer.merge, layer.unmerge = self.merge, self.unmerge

    def hide(self) -> None:
        for layer, _ in self.layers():
            layer.merged_adapters = []
            for name in ("merge", "unmerge"):
                vars(layer).pop(name, None)

    def __getstate__(self) -> Dict[str, Any]:
        return {**vars(self), "_layers": self.layers()}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        vars(self).update(state)
        self._layers = [(weakref.ref(layer), names) for layer, names in state["_layers"]]

    def become(self, plan: Plan, threads: int) -> None:
        self.hide()
        self.matrices = list(plan.matrices.values())
        self.threads = threads
        self._layers = [(weakref.ref(layer), names) for layer, names in plan.layers]
        self.show()


def merges_in(model: torch.nn.Module) -> List[Merged]:
    """What revlora has merged in a model; refuses a model that is a part of what was merged."""
    found: Dict[int, Merged] = {}
    inside = set()
    for name, layer in tuner_layers(model):
        inside.add(id(layer))
        merged = getattr(vars(layer).get("unmerge"), "__self__", None)
        if isinstance(merged, Merged):
            found[id(merged)] = merged
    for merged in found.values():
        if any(id(layer) not in inside for layer, _ in merged.layers()):
            raise InvalidInput(
                "revlora: this is a part of a model that was merged as a whole: give that"
            )
    return list(found.values())


def require_none_of_peft(model: torch.nn.Module) -> None:
    """Refuses layers that PEFT has merged, of which nothing tells what they were."""
    for name, layer in tuner_layers(model):
        is_ours = isinstance(getattr(layer.unmerge, "__self__", None), Merged)
        # Trained tokens are replaced, not added to, and PEFT keeps what they were.
        if layer.merged_adapters and not is_ours and not isinstance(layer, TrainableTokensLayer):
            raise refusal(
                name,
                f"has been merged by PEFT itself ({', '.join(layer.merged_adapters)}), which keeps "
                "no record: load the base anew, or take it out by unmerge_adapter(), which rounds",
            )


def exchange(merges: List[Merged], wanted: Plan, recipe: Optional[str], threads: int) -> Merged:
    """Takes out what is merged and merges what is wanted, in one pass, everywhere or nowhere."""
    before = {matrix.memory(): matrix for merged in merges for matrix in merged.matrices}
    after = wanted.matrices
    for memory, matrix in after.items():
        if memory in before:
            matrix.record = before[memory].record
    both: Dict[Memory, Matrix] = {**before, **after}
    names = {memory: matrix.name for memory, matrix in both.items()}
    weights = {matrix.name: matrix.view() for matrix in both.values()}
    records: Dict[str, Record] = {matrix.name: matrix.record for matrix in both.values()}
    origin = {names[memory]: _adapters(matrix) for memory, matrix in before.items()}
    goal = {names[memory]: _adapters(matrix) for memory, matrix in after.items()}
    result = merges[0] if merges else Merged()

    def finish() -> None:
        for merged in merges[1:]:
            merged.become(NOTHING, threads)
        result.become(wanted, threads)

    try:
        swap_all(weights, origin, goal, dict(records), recipe=recipe, threads=threads)
        finish()
    except BaseException:  # Ctrl-C, which may come when the last matrix has just been written
        if any(_is_done(weights[n], origin.get(n, []), records[n]) for n in weights):
            finish()
        raise
    return result


def _adapters(matrix: Matrix) -> List[Adapter]:
    try:
        return [Adapter(*factors) for factors in matrix.factors]
    except InvalidInput as error:
        text = str(error).replace("revlora: ", "", 1)
        raise InvalidInput(f"revlora: '{matrix.name}': {text}") from error


def _is_done(weights: Any, origin: List[Adapter], record: Record) -> bool:
    """Whether an exchange has taken place: the record then is of other adapters than before."""
    if record.is_empty or not origin:
        return record.is_empty == bool(origin)
    return validate(weights, origin, record).reason.startswith("other_")
