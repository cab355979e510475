"""Process file descriptors (pidfd_open(2)): readable when the process is dead, and able to say how it died."""

from __future__ import annotations

import os
import struct
from typing import Optional

_PIDFD_OPEN = 434
_INFO_SIZE = 64
_IOWR = 3 << 30
PIDFD_GET_INFO = _IOWR | _INFO_SIZE << 16 | 0xFF << 8 | 11
_INFO_EXIT = 1 << 3
_EXIT_CODE_AT = 60


def pidfd_open(pid: int) -> int:
    """Raises OSError, also where the kernel has none (before Linux 5.3)."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid, 0)
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(_PIDFD_OPEN, pid, 0)
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.set_inheritable(fd, False)
    return int(fd)


def exit_status(pidfd: int) -> Optional[int]:
    """
    The wait status of a dead process that is not our child (PIDFD_GET_INFO, Linux 6.15).

    None where the kernel does not tell.
    """
    import fcntl

    request = struct.pack("<Q", _INFO_EXIT).ljust(_INFO_SIZE, b"\0")
    try:
        answer = fcntl.ioctl(pidfd, PIDFD_GET_INFO, request)
    except OSError:
        return None
    if not struct.unpack_from("<Q", answer)[0] & _INFO_EXIT:
        return None
    return int(struct.unpack_from("<i", answer, _EXIT_CODE_AT)[0])
