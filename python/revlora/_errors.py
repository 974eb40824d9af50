"""What revlora raises."""

from __future__ import annotations


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
