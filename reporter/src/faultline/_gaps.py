"""Deaths that will not be captured whole here, and what to change: for status() and `doctor`."""

from __future__ import annotations

import os
from typing import List

from ._options import Options
from ._permissions import has_ptrace_capability, is_dumpable, ptrace_scope


def gaps_of(options: Options, how: str) -> List[str]:
    """One sentence each, ending in the remedy."""
    if how == "none":
        return ["nothing is captured"]
    gaps: List[str] = []
    if how == "text-file":
        gaps.append("text of faulthandler only: no dump, no registers, no native frames")
    else:
        gaps.extend(_access_gaps())
        if not tells_exit_status():
            gaps.append(
                "deaths without a handler (SIGKILL, out of memory) are not told: "
                "needs Linux 6.15, or `python -m faultline run -- COMMAND`"
            )
    if not options.capture_fatal:
        gaps.append("fatal Python errors: the signal only, no dump; set capture_fatal=True, or use core files")
    if not options.thread_altstacks:
        gaps.append("stack overflows of threads: no text, no dump; set thread_altstacks=True")
    gaps.append("stack overflows of threads that C code started: the signal only; use core files")
    gaps.append("crashes after Python is finalised (C++ destructors, late atexit): the signal only; use core files")
    if options.dsn is None:
        gaps.append("no DSN: crashes stay in the spool; give one, or run `python -m faultline spool upload DIR`")
    return gaps


def _access_gaps() -> List[str]:
    if has_ptrace_capability():
        return []
    gaps: List[str] = []
    if not is_dumpable():
        gaps.append(
            "text only: the process is not dumpable since it changed its user id; "
            "call install() after that, with allow_dumpable=True"
        )
    scope = ptrace_scope() or 0
    if scope == 2:
        gaps.append("text only: kernel.yama.ptrace_scope is 2; set it to 1, or give CAP_SYS_PTRACE")
    elif scope >= 3:
        gaps.append("text only: kernel.yama.ptrace_scope is 3; nothing but a reboot with a lower one changes that")
    return gaps


def tells_exit_status() -> bool:
    """Whether this kernel tells how a process died that is not our child (PIDFD_GET_INFO, Linux 6.15)."""
    try:
        major, minor = (int(part) for part in os.uname().release.split(".")[:2])
    except (ValueError, AttributeError):
        return False
    return (major, minor) >= (6, 15)
