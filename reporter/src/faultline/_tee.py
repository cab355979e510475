"""The text goes where it would have gone without us: to the stderr the application has at this moment."""

from __future__ import annotations

import os
import select
from typing import Optional

_WAIT_MS = 1000
_PIECE = 4096
_PIDFD_GETFD = 438


class Tee:
    """One use. A reader that does not read is waited for one second, no longer."""

    def __init__(self, pid: int, fd: int, handed_over: int) -> None:
        """
        Args:
            fd: number in the application; negative for none.
            handed_over: a duplicate of it, for applications that may not be looked into; else -1.
        """
        self._pid = pid
        self._fd = fd
        self._handed_over = handed_over

    def write(self, text: bytes, trouble: str) -> None:
        """Never raises."""
        if self._fd < 0 or not text:
            return
        fd = self._handed_over if self._handed_over >= 0 else _duplicate(self._pid, self._fd)
        if fd is None:
            return
        if trouble:
            text += f"faultline: {trouble}\n".encode("utf-8", "replace")
        poller = select.poll()
        try:
            poller.register(fd, select.POLLOUT)
            while text and poller.poll(_WAIT_MS):
                text = text[os.write(fd, text[:_PIECE]) :]
        except OSError:
            return
        finally:
            if fd != self._handed_over:
                os.close(fd)


def _duplicate(pid: int, fd: int) -> Optional[int]:
    """pidfd_getfd(2), which keeps the offset and flags; before Linux 5.6 the file is opened again."""
    try:
        import ctypes

        from ._pidfd import pidfd_open

        pidfd = pidfd_open(pid)
        try:
            found = ctypes.CDLL(None).syscall(_PIDFD_GETFD, pidfd, fd, 0)
        finally:
            os.close(pidfd)
        if found >= 0:
            return int(found)
    except Exception:
        pass
    try:
        return os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
