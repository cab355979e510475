"""Whether the monitor may look into this process, and what this process can do about it."""

from __future__ import annotations

import os
from typing import Optional

_PR_SET_DUMPABLE = 4
_PR_SET_PTRACER = 0x59616D61
_YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_CAP_SYS_PTRACE = 19


def ptrace_scope() -> Optional[int]:
    """Yama's setting: 0 anybody, 1 those a process names, 2 those with CAP_SYS_PTRACE, 3 nobody. None without Yama."""
    try:
        with open(_YAMA, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def is_dumpable() -> bool:
    """False after a change of user ids: the kernel then gives /proc/self to root."""
    try:
        return os.stat("/proc/self").st_uid == os.geteuid()
    except OSError:
        return True


def has_ptrace_capability() -> bool:
    """CAP_SYS_PTRACE in the effective set."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("CapEff:"):
                    return bool(int(line.split()[1], 16) >> _CAP_SYS_PTRACE & 1)
    except (OSError, ValueError):
        pass
    return False


def may_be_looked_into() -> bool:
    """By a monitor of the same user."""
    if has_ptrace_capability():
        return True
    return is_dumpable() and (ptrace_scope() or 0) < 2


def make_dumpable() -> bool:
    """Undoes what a change of user ids did. Also lets the process write core files again."""
    return _prctl(_PR_SET_DUMPABLE, 1)


def name_tracer(pid: int) -> bool:
    """With Yama's scope 1: lets that process and its children look into this one. Not inherited by forks."""
    return _prctl(_PR_SET_PTRACER, pid)


def _prctl(option: int, value: int) -> bool:
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        return int(prctl(option, ctypes.c_ulong(value), 0, 0, 0)) == 0
    except Exception:
        return False
