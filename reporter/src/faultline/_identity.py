"""Whether a descriptor still is what it was: code that closes 3..N lets its number become something else."""

from __future__ import annotations

import os
from typing import Optional, Tuple


def descriptor_identity(fd: int) -> Optional[Tuple[int, int]]:
    """Device and inode, which a socket has for itself; None for a number that is not open."""
    try:
        found = os.fstat(fd)
    except (OSError, ValueError, OverflowError):
        return None
    return found.st_dev, found.st_ino
