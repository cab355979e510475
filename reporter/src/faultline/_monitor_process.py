"""The monitor's process: what it closes, ignores and loads before the loop begins."""

from __future__ import annotations

import gc
import os
import signal
import socket
from typing import Optional

from ._descriptors import close_descriptors
from ._monitor import Monitor

_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT)
"""What a terminal and a broken pipe send."""


def main(control_fd: int, name: str) -> None:
    """
    Ends when there is nobody left to watch.

    Args:
        control_fd: one end of a socket pair with the application that started it.
        name: of the abstract socket for those that application starts.
    """
    close_descriptors({0, 1, 2, control_fd})
    _be_unobtrusive()
    os.umask(0o077)
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    monitor = Monitor(control, _listen(name))
    _preload()
    gc.collect()
    gc.freeze()
    monitor.run()


def _be_unobtrusive() -> None:
    """Dies first when memory runs out, yields to the application, belongs to no terminal and no folder."""
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    try:
        os.setsid()
    except OSError:
        pass
    for path, value in (("/proc/self/oom_score_adj", "200"), ("/proc/self/comm", "faultline")):
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            pass
    try:
        os.nice(5)
        os.chdir("/")
    except OSError:
        pass


def _listen(name: str) -> Optional[socket.socket]:
    """Abstract: no file to leave behind. None when the name is taken or there are no such names."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind("\0" + name)
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        return None
    return listener


def _preload() -> None:
    """Nothing is imported at crash time: the file system may be gone by then."""
    from . import _amd64, _arm64, _fatal_worker, _silent_death, _tee

    del _amd64, _arm64, _fatal_worker, _silent_death, _tee
    try:
        from . import _ptrace

        del _ptrace
    except (ImportError, OSError):
        return
