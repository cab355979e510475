"""Signals by number, as Linux numbers them on x86-64 and arm64, and as faulthandler prints them."""

from __future__ import annotations

import re
from typing import Optional

SIGNAL_NAMES = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    15: "SIGTERM",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    31: "SIGSYS",
}

SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV = 4, 6, 7, 8, 9, 11

HANDLED = frozenset((SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV))
"""The signals faulthandler handles."""

DEATHS = HANDLED | {3, 5, SIGKILL, 24, 25, 31}
"""Endings by one of these are reported even without a handler; the others are how programs are asked to stop."""

DUMP_REQUESTED = 0xFFFFFFFF
"""Crashpad's and Breakpad's exception code of a dump that nobody died for."""

_PRINTED = (
    (rb"Segmentation fault", SIGSEGV),
    (rb"Aborted", SIGABRT),
    (rb"Bus error", SIGBUS),
    (rb"Illegal instruction", SIGILL),
    (rb"Floating[ -]point exception", SIGFPE),
)


def signal_name(number: int) -> str:
    """`SIGSEGV`; a number that has no name prints as itself."""
    return SIGNAL_NAMES.get(number, f"signal {number}")


def signal_printed_in(text: bytes) -> Optional[int]:
    """The signal whose name the head of a faulthandler text, or one of its pieces, holds."""
    for pattern, number in _PRINTED:
        if re.search(pattern, text[:4096]):
            return number
    return None
