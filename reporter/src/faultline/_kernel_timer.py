"""
timer_create(2) through ctypes: timers of the kernel that reach a process even when it is stopped.

A monitor that was SIGSTOPped is the one thing an application could wait for: SIGCONT wakes it, and otherwise means
nothing to it. SIGKILL, for hosts that ask for it (`hang_guard`), ends one that hangs for whatever reason.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from typing import Optional

_SYSCALLS = {"x86_64": (222, 223), "aarch64": (107, 110)}
"""timer_create, timer_settime."""
_CLOCK_MONOTONIC = 1
_SIGEV_SIGNAL = 0


class KernelTimer:
    """One timer of this process, sending one signal."""

    def __init__(self, signal_number: int) -> None:
        """Raises OSError where there are no such timers."""
        numbers = _SYSCALLS.get(os.uname().machine)
        if numbers is None:
            raise OSError(38, "timer_create: not known for this CPU")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._settime = numbers[1]
        event = struct.pack("<Qii", 0, signal_number, _SIGEV_SIGNAL).ljust(64, b"\0")
        timer = ctypes.c_int(0)
        if self._libc.syscall(numbers[0], _CLOCK_MONOTONIC, event, ctypes.byref(timer)) != 0:
            raise OSError(ctypes.get_errno(), "timer_create")
        self._timer = timer.value

    def arm(self, seconds: float) -> None:
        """Once, that far from now; what was armed before is forgotten. 0 disarms."""
        whole, part = divmod(seconds, 1)
        value = struct.pack("<qqqq", 0, 0, int(whole), int(part * 1e9))
        self._libc.syscall(self._settime, self._timer, 0, value, None)


def nudge_timer() -> Optional[KernelTimer]:
    """None where there are no such timers."""
    try:
        return KernelTimer(signal.SIGCONT)
    except (OSError, AttributeError):
        return None


def guard_timer() -> Optional[KernelTimer]:
    """None where there are no such timers."""
    try:
        return KernelTimer(signal.SIGKILL)
    except (OSError, AttributeError):
        return None
