"""Reading another process's memory, and remembering what was read."""

from __future__ import annotations

import os
import struct
from typing import Dict, List, Optional, Tuple

PAGE = 4096

Range = Tuple[int, bytes]


class Memory:
    """Bytes at addresses. Subclasses say where they come from."""

    def read(self, address: int, size: int) -> bytes:
        """As many of the `size` bytes at `address` as can be had without a hole; none is an answer too."""
        raise NotImplementedError

    def exact(self, address: int, size: int) -> Optional[bytes]:
        """All of them, or None."""
        data = self.read(address, size)
        return data if len(data) == size else None

    def word(self, address: int) -> Optional[int]:
        """The little-endian 64-bit word at `address`."""
        data = self.exact(address, 8)
        return None if data is None else int.from_bytes(data, "little")

    def int32(self, address: int) -> Optional[int]:
        """The signed 32-bit word at `address`."""
        data = self.exact(address, 4)
        return None if data is None else int(struct.unpack("<i", data)[0])


class ProcessMemory(Memory):
    """/proc/PID/mem: needs what ptrace(2) needs (PTRACE_MODE_ATTACH)."""

    def __init__(self, pid: int) -> None:
        """Raises OSError when the process is gone or may not be read."""
        self._fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def read(self, address: int, size: int) -> bytes:
        """See Memory.read."""
        if not 0 <= address < 1 << 63 or size <= 0:
            return b""
        try:
            return os.pread(self._fd, size, address)
        except OSError:
            return self._up_to_hole(address, size)

    def _up_to_hole(self, address: int, size: int) -> bytes:
        """A read that starts well may still be refused as a whole: take it page by page."""
        pieces: List[bytes] = []
        while size > 0:
            step = min(size, PAGE - address % PAGE)
            try:
                piece = os.pread(self._fd, step, address)
            except OSError:
                break
            pieces.append(piece)
            if len(piece) < step:
                break
            address, size = address + step, size - step
        return b"".join(pieces)

    def close(self) -> None:
        """Lets the process go."""
        os.close(self._fd)


class RangeMemory(Memory):
    """Ranges already read, as a dump holds them."""

    def __init__(self, ranges: List[Range]) -> None:
        self._ranges = sorted(ranges)

    def read(self, address: int, size: int) -> bytes:
        """See Memory.read."""
        for start, data in self._ranges:
            if start <= address < start + len(data):
                return data[address - start : address - start + size]
        return b""


class RecordingMemory(Memory):
    """Reads by cached pages, and remembers every range that was asked for."""

    def __init__(self, source: Memory, max_bytes: int) -> None:
        self._source = source
        self._pages: Dict[int, bytes] = {}
        self._asked: List[Tuple[int, int]] = []
        self._left = max_bytes

    def read(self, address: int, size: int) -> bytes:
        """See Memory.read. Nothing more once `max_bytes` were recorded."""
        if size <= 0 or size > self._left or address <= 0:
            return b""
        data = self._cached(address, size)
        if data:
            self._left -= len(data)
            self._asked.append((address, address + len(data)))
        return data

    def _cached(self, address: int, size: int) -> bytes:
        pieces: List[bytes] = []
        while size > 0:
            page = address - address % PAGE
            content = self._pages.get(page)
            if content is None:
                content = self._pages[page] = self._source.read(page, PAGE)
            piece = content[address - page : address - page + size]
            pieces.append(piece)
            if not piece or len(piece) < min(size, PAGE - (address - page)):
                break
            address, size = address + len(piece), size - len(piece)
        return b"".join(pieces)

    def ranges(self) -> List[Range]:
        """
        What was read, in order, merged where it touches.

        Nothing between two ranges is kept, however short the gap: it would be a piece of somebody else's heap.
        """
        merged: List[List[int]] = []
        for start, end in sorted(self._asked):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        return [(start, self._cached(start, end - start)) for start, end in merged]
