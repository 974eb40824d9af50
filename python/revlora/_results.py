"""What calls return."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
    """What a call did to the weights, counted as it went."""

    changed: int
    """How many have other bits than before."""
    became_not_finite: int
    """How many were finite in the base, and are infinite or NaN."""


class Validation(NamedTuple):
    """What a check found; true if a call would not be refused."""

    reason: str
    """``none``, ``invalid_input``, or a reason of `RecordRefused`."""
    text: str
    """What an exception would say; empty if nothing is wrong."""

    def __bool__(self) -> bool:
        return self.reason == "none"
