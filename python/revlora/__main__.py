"""``python -m revlora``: the program, which ``man revlora`` describes."""

from __future__ import annotations

import os
import sys

from . import _native


def main() -> int:
    """Does what ``sys.argv`` asks for and returns the exit status.

    It takes the process for its own, as a program does: its signals, its umask, its limits.
    """
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo-data")
    return _native.run_program([os.fsencode(word) for word in sys.argv], os.fsencode(data))


if __name__ == "__main__":
    sys.exit(main())
