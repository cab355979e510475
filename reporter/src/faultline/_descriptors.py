"""File descriptors of this process: closing what it inherited, and reading what it was handed."""

from __future__ import annotations

import os
from typing import List, Set


def close_descriptors(keep: Set[int]) -> None:
    """All others of this process."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(3, 1024))
    for fd in numbers:
        if fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass


def read_whole(fd: int, limit: int) -> bytes:
    """A file from its beginning, at most `limit` bytes. Raises OSError."""
    pieces: List[bytes] = []
    os.lseek(fd, 0, os.SEEK_SET)
    while limit > 0:
        piece = os.read(fd, min(limit, 65536))
        if not piece:
            break
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)
