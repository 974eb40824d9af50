"""Which matrices of a model get which updates, by the adapters that are to be merged."""

from __future__ import annotations

import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import torch
from peft.tuners.trainable_tokens import TrainableTokensLayer
from peft.tuners.tuners_utils import BaseTunerLayer

from ._errors import InvalidInput
from ._native import Record
from ._peft_layers import adapters_of, updates_of
from ._peft_places import Factors, Place, refusal

Memory = Tuple[int, Tuple[int, ...], Tuple[int, ...]]


class Matrix:
    """A matrix, what is to be merged into it or is, and what leads back, empty until it is."""

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.factors: List[Factors] = []
        self.record = Record()

    def view(self) -> Any:
        try:
            return self.place.matrix()
        except RuntimeError as error:
            raise refusal(
                self.name,
                "lies in memory in another order than when it was merged: bring it into that again",
            ) from error

    def memory(self) -> Memory:
        view = self.view()
        return view.data_ptr(), tuple(view.shape), tuple(view.stride())


class Plan(NamedTuple):
    """Of a merge: the matrices by where they lie, and the names of each layer's adapters."""

    matrices: Dict[Memory, Matrix]
    layers: List[Tuple[Any, List[str]]]


def tuner_layers(model: torch.nn.Module) -> List[Tuple[str, Any]]:
    return [(n, m) for n, m in model.named_modules() if isinstance(m, BaseTunerLayer)]


def plan_of(model: torch.nn.Module, chosen: Callable[[Any], List[str]]) -> Plan:
    """The merge of the chosen adapters of each layer that has them."""
    of_place: Dict[Tuple[int, str, Any], Matrix] = {}
    layers: List[Tuple[Any, List[str]]] = []
    for name, layer in tuner_layers(model):
        own = adapters_of(layer)
        names = [adapter for adapter in chosen(layer) if adapter in own]
        if names and not isinstance(layer, TrainableTokensLayer):  # these act without being merged
            layers.append((layer, names))
            for adapter in names:
                for place, factors in updates_of(name, layer, adapter):
                    key = (id(place.module), place.parameter, place.expert)
                    matrix = of_place.setdefault(key, Matrix(_called(name, place), place))
                    matrix.factors.append(factors)
    plan = Plan(_by_memory(of_place.values()), layers)
    _warn_of_other_users(model, plan)
    return plan


def _called(layer: str, place: Place) -> str:
    """As the base model calls it, before PEFT wraps it."""
    expert = "" if place.expert is None else f"[{place.expert}]"
    return f"{layer}.{place.parameter}{expert}".replace(".base_layer", "")


def _by_memory(matrices: Any) -> Dict[Memory, Matrix]:
    """One of those that are tied: what several modules have as their weight is changed once."""
    found: Dict[Memory, Matrix] = {}
    for matrix in matrices:
        first = found.setdefault(matrix.memory(), matrix)
        if matrix is not first and not _are_same(first.factors, matrix.factors):
            raise refusal(
                first.name,
                f"and '{matrix.name}' are one tensor, and their adapters differ: each would get "
                "what is the other's. Untie them first: load the model with "
                "tie_word_embeddings=False, and give the output layer weights of its own",
            )
    return found


def _are_same(some: List[Factors], others: List[Factors]) -> bool:
    return len(some) == len(others) and all(
        x.strength == y.strength and _is_equal(x.b, y.b) and _is_equal(x.a, y.a)
        for x, y in zip(some, others)
    )


def _is_equal(x: Any, y: Any) -> bool:
    return x is y or (x.dtype == y.dtype and x.device == y.device and torch.equal(x, y))


def _warn_of_other_users(model: torch.nn.Module, plan: Plan) -> None:
    """Modules that have a merged weight too, and no adapter, change with it, as by PEFT's merge."""
    merged = {
        getattr(m.place.module, m.place.parameter).data_ptr(): m for m in plan.matrices.values()
    }
    layers = {id(layer) for layer, _ in plan.layers}
    inside = set()
    for path, module in model.named_modules(remove_duplicate=False):
        if id(module) in layers or path.rpartition(".")[0] in inside:
            inside.add(path)
            continue
        for key, parameter in module.named_parameters(recurse=False):
            if parameter.device.type == "cpu" and parameter.data_ptr() in merged:
                matrix = merged[parameter.data_ptr()]
                warnings.warn(
                    f"revlora: '{matrix.name}' is also '{path}.{key}'. Both change while it is "
                    "merged, as by PEFT's merge, though the adapter was trained on one of them",
                    stacklevel=4,
                )


def names_given(model: torch.nn.Module, adapters: Any) -> List[str]:
    """A name or several, each of an adapter that the model has."""
    names = [adapters] if isinstance(adapters, str) else list(adapters)
    known = dict.fromkeys(name for _, layer in tuner_layers(model) for name in adapters_of(layer))
    if not names:
        raise InvalidInput("revlora: no adapter is named: name one, or call unmerge(model)")
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"revlora: the model has no adapter '{name}', but "
                + (", ".join(map(repr, known)) or "none")
            )
    return names


def require_trained_tokens_of(model: torch.nn.Module, adapters: List[str]) -> None:
    """Trained tokens act without being merged, but those of the active adapters only."""
    for name, layer in tuner_layers(model):
        if not isinstance(layer, TrainableTokensLayer):
            continue
        own = set(adapters_of(layer))
        wanted, active = own & set(adapters), own & set(layer.active_adapters)
        if wanted != active:
            raise refusal(
                name,
                f"has trained tokens, and acts by those of {sorted(active)}, but {adapters} is to "
                "be merged: activate the same by set_adapter(), or call swap(), which does",
            )
