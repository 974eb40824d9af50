"""Where matrices lie in a model of PEFT, and what makes one that cannot be written."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import torch

from ._errors import InvalidInput

MERGEABLE = (torch.float32, torch.float16, torch.bfloat16)


class Place(NamedTuple):
    """Where a matrix of weights lies: a parameter, or the part of it that is one expert's."""

    module: Any
    parameter: str
    expert: Optional[int] = None
    has_channels_last: bool = False

    def matrix(self) -> Any:
        """A view of it as it is stored: a kernel has a row for each output, and a bias is a row."""
        weight = getattr(self.module, self.parameter).detach()
        if self.expert is not None:
            weight = weight[self.expert]
        if self.has_channels_last:
            weight = weight.movedim(1, -1)
        return weight.view(1, -1) if weight.dim() == 1 else weight.view(weight.shape[0], -1)


class Factors(NamedTuple):
    """The update ``strength · b · a`` of a matrix as it is stored."""

    b: Any
    a: Any
    strength: float


def refusal(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"revlora: '{name}' {what}")


def parameter_of(name: str, layer: Any, parameter: str) -> Any:
    """A parameter of the base of a tuner layer; refuses one that cannot be written."""
    base = layer.get_base_layer()
    weight = getattr(base, parameter, None)
    where = f"{name}.{parameter}"
    if not isinstance(weight, torch.nn.Parameter):
        raise refusal(
            where,
            f"is no parameter of its {type(base).__name__}, but missing or computed from others at "
            "each use: remove the parametrization, or leave this module out of the adapter",
        )
    if weight.device.type == "meta":
        raise refusal(where, "has no memory, being on the device meta: load the weights first")
    if weight.device.type != "cpu":
        raise refusal(
            where,
            f"is on the device {weight.device}, and revlora works on the processor: move the model "
            "there first, by model.to('cpu')",
        )
    if weight.dtype not in MERGEABLE:
        raise refusal(
            where,
            f"has elements of {str(weight.dtype).replace('torch.', '')}; revlora merges layers of "
            "PEFT in float32, float16 and bfloat16. If it is quantised, load the model that it was "
            "made of",
        )
    return weight
