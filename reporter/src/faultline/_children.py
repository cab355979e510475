"""The monitor's forked children: workers, each with a deadline, and uploads, which take the time they need."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional

from ._descriptors import close_descriptors
from ._limits import WORKER_DEADLINE_S, WORKER_GRACE_S

FAILED, KILLED = 1, 128


class _Child(NamedTuple):
    deadline: Optional[float]
    done: Callable[[int], None]


class Children:
    """`fileno` is readable when one has ended: then `reap`."""

    def __init__(self) -> None:
        self._running: Dict[int, _Child] = {}
        self._signals, writer = socket.socketpair()
        self._signals.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def __len__(self) -> int:
        return len(self._running)

    def fileno(self) -> int:
        """For epoll."""
        return self._signals.fileno()

    def start(
        self, work: Callable[[], Optional[int]], done: Callable[[int], None], keep: List[int], patient: bool = False
    ) -> None:
        """
        Runs `work` in a child.

        Args:
            work: answers the exit code, None for 0.
            done: called with the exit code once it has ended: FAILED after an exception, KILLED after a signal.
            keep: descriptors it needs.
            patient: without a deadline.
        """
        try:
            pid = os.fork()
        except OSError:
            done(FAILED)
            return
        if pid == 0:
            code = FAILED
            try:
                _become_child(keep)
                code = work() or 0
            except BaseException:
                sys.excepthook(*sys.exc_info())  # to nobody, unless FAULTLINE_DEBUG is set
            finally:
                os._exit(code)
        deadline = None if patient else time.monotonic() + WORKER_DEADLINE_S + WORKER_GRACE_S
        self._running[pid] = _Child(deadline, done)

    def reap(self) -> None:
        """Takes note of those that have ended."""
        try:
            self._signals.recv(4096)
        except OSError:
            pass
        for pid, child in list(self._running.items()):
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended, status = pid, 0
            if ended:
                del self._running[pid]
                child.done(os.WEXITSTATUS(status) if os.WIFEXITED(status) else KILLED)

    @property
    def next_deadline(self) -> Optional[float]:
        """On the monotonic clock; None without one."""
        return min((child.deadline for child in self._running.values() if child.deadline is not None), default=None)

    def kill_late(self) -> None:
        """A worker's own alarm should have ended it; one that is stopped does not hear it."""
        now = time.monotonic()
        for pid, child in list(self._running.items()):
            if child.deadline is not None and now > child.deadline:
                self._running[pid] = child._replace(deadline=now + WORKER_GRACE_S)
                _kill(pid)

    def kill_patient(self) -> None:
        """Those without a deadline."""
        for pid, child in self._running.items():
            if child.deadline is None:
                _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _become_child(keep: List[int]) -> None:
    """
    Closes what belongs to the monitor.

    Above all the channels of other applications: as long as a copy is open here, they would wait for it instead of
    getting EPIPE when the monitor dies.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    close_descriptors({0, 1, 2, *keep})
