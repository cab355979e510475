"""
Writes minidumps: a header, a directory, and streams (minidumpapiset.h; Breakpad's minidump_format.h for Linux).

A stream is a function that writes its data and answers where it lies; one that fails costs only itself. What a dump
holds is decided in `_streams.py`.
"""

from __future__ import annotations

import struct
from typing import Callable, List, NamedTuple, Optional, Tuple

SIGNATURE, VERSION = 0x504D444D, 0xA793
_HEADER = struct.Struct("<IIIIIIQ")
_DIRECTORY = struct.Struct("<III")


class Location(NamedTuple):
    """MINIDUMP_LOCATION_DESCRIPTOR."""

    size: int
    rva: int


class MinidumpWriter:
    """Everything is kept in memory until `finish`."""

    def __init__(self, streams: int) -> None:
        """`streams`: how many there will be at most."""
        self._room = streams
        self._data = bytearray(_HEADER.size + _DIRECTORY.size * streams)
        self._streams: List[Tuple[int, Location]] = []
        self.errors: List[str] = []

    def put(self, data: bytes) -> Location:
        """Appends at a multiple of 8."""
        self._data.extend(bytes(-len(self._data) % 8))
        rva = len(self._data)
        self._data.extend(data)
        return Location(len(data), rva)

    def put_string(self, text: str) -> int:
        """MINIDUMP_STRING: its RVA."""
        encoded = text.encode("utf-16-le", "surrogatepass")
        return self.put(struct.pack("<I", len(encoded)) + encoded + b"\0\0").rva

    def put_utf8(self, text: str) -> int:
        """Crashpad's MinidumpUTF8String: its RVA."""
        encoded = text.encode("utf-8", "replace")
        return self.put(struct.pack("<I", len(encoded)) + encoded + b"\0").rva

    def stream(self, kind: int, write: Callable[["MinidumpWriter"], Optional[bytes]]) -> None:
        """`write` puts what the stream refers to and answers with the stream itself; None leaves it out."""
        if len(self._streams) == self._room:
            return
        try:
            data = write(self)
        except Exception as error:
            # A process started as `ld.so python` has a DT_DEBUG of 0: the DsoDebug stream failed
            # over it and cost the whole dump.
            # Test: test_minidump.py, "a stream that fails costs only itself".
            self.errors.append(f"stream 0x{kind:x}: {type(error).__name__}: {error}")
            return
        if data is not None:
            self._streams.append((kind, self.put(data)))

    def finish(self, when: int) -> bytes:
        """The whole file. `when`: seconds since 1970."""
        count = len(self._streams)
        _HEADER.pack_into(self._data, 0, SIGNATURE, VERSION, count, _HEADER.size, 0, when & 0xFFFFFFFF, 0)
        for index, (kind, location) in enumerate(self._streams):
            at = _HEADER.size + _DIRECTORY.size * index
            _DIRECTORY.pack_into(self._data, at, kind, location.size, location.rva)
        return bytes(self._data)
