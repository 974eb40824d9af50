"""What revlora raises."""

from __future__ import annotations

from typing import Any, Tuple


class InvalidInput(ValueError):
    """The arguments of a call cannot be used, or the call is refused; nothing was changed.

    The text says what is wrong, with the numbers that show it, and where possible what to do.
    """


class RecordRefused(InvalidInput):
    """A record does not belong to these weights or these adapters, or its bytes are damaged."""

    reason: str
    """``weights_changed``, ``already_unmerged``, ``other_adapter``, ``other_strength``,
    ``other_order``, ``other_count``, ``other_recipe``, ``other_type``, ``other_shape``,
    ``other_scales``, ``empty_record``, ``not_a_record``, ``other_version``, ``truncated`` or
    ``damaged``."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason

    def __reduce__(self) -> tuple[type[RecordRefused], tuple[str, str]]:
        return type(self), (str(self), self.reason)


class CheckpointError(RuntimeError):
    """A call of `revlora.checkpoint` did not do what it was asked for; the model is as it was."""

    notes: Tuple[str, ...] = ()
    """What the call had to say before."""


class PartlyDone(CheckpointError):
    """Some files of the model are changed: `revlora.checkpoint.unmerge` leads all to the base."""


class DoneWithTrouble(CheckpointError):
    """The model is what was asked for, but something after that went wrong.

    Files may not have reached the disk, for one: a power loss could still take them.
    """

    result: Any
    """What the call would have returned."""

    def __init__(self, text: str, result: Any) -> None:
        super().__init__(text)
        self.result = result

    def __reduce__(self) -> tuple[type[DoneWithTrouble], tuple[str, Any]]:
        return type(self), (str(self), self.result)
