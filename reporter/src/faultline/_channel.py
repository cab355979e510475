"""
The channel faulthandler writes to: it makes the dying process wait, by itself, for the monitor to look at it.

faulthandler writes its text in many small pieces with write(2), retrying only after EINTR. A SEQPACKET socket whose
queue is full but for one packet takes the first piece and blocks the second: the process stands still inside the signal
handler until somebody reads. When nobody can (all read ends closed) the write fails with EPIPE, without a signal, and
the process dies as it would have.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct
import termios
from typing import List, NamedTuple, Optional, Tuple

from ._limits import CHANNEL_MIN_FD, MAX_TEXT_BYTES, WRITE_TIMEOUT_S

FILLER = b"\0"
_CREDENTIALS = struct.Struct("iII")
_SMALLEST_BUFFER = 1
_SO_PEEK_OFF = 42
_MAX_PIECE = 65536
_MAX_PEEKED = 256


class Channel(NamedTuple):
    """Both ends. `read_end` goes to the monitor and is closed here, whatever happens."""

    write_fd: int
    read_end: socket.socket
    fillers: int
    """Packets that lie in the queue already."""


def open_channel() -> Channel:
    """
    Raises OSError; then nothing stays open.

    O_NONBLOCK must never be set on either end: the text would be lost, and the process would not wait.
    """
    read_end, write_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        read_end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        write_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALLEST_BUFFER)
        timeout = struct.pack("ll", WRITE_TIMEOUT_S, 0)
        write_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        fillers = _fill(write_end) - len(read_end.recv(1))
        write_fd = _high_duplicate(write_end.fileno())
    except BaseException:
        read_end.close()
        raise
    finally:
        write_end.close()
    return Channel(write_fd, read_end, fillers)


def _fill(sock: socket.socket) -> int:
    count = 0
    try:
        while True:
            sock.send(FILLER, socket.MSG_DONTWAIT)
            count += 1
    except BlockingIOError:
        return count


def _high_duplicate(fd: int) -> int:
    """As high as the limit on open files lets it be."""
    for lowest in (CHANNEL_MIN_FD, CHANNEL_MIN_FD // 4, 32):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
    return os.dup(fd)


def has_text(read_end: socket.socket, fillers: int) -> bool:
    """Whether more than the fillers lies in the queue. FIONREAD adds up all packets of a SEQPACKET socket."""
    waiting = array.array("i", [0])
    fcntl.ioctl(read_end.fileno(), termios.FIONREAD, waiting)
    return waiting[0] > fillers


class TextReader:
    """Reads what faulthandler writes, piece by piece."""

    def __init__(self, read_end: socket.socket) -> None:
        self._socket = read_end
        self._pieces: List[bytes] = []
        self._size = 0
        self.pid: Optional[int] = None
        """Of the process that wrote the first piece, in the reader's PID namespace."""
        self.ended = False

    @property
    def text(self) -> bytes:
        """What came so far, at most MAX_TEXT_BYTES."""
        return b"".join(self._pieces)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def peek(self) -> bytes:
        """
        What is in the queue, left there: a packet taken out would let the writer go on.

        Also finds out who wrote. SO_PEEK_OFF makes every look begin behind the one before.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, 0)
        pieces: List[bytes] = []
        for _ in range(_MAX_PEEKED):
            try:
                data, pid = self._receive(socket.MSG_PEEK)
            except OSError:
                break
            if pid is None:
                break
            if data != FILLER:
                pieces.append(data)
                self.pid = self.pid or pid
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, -1)
        return b"".join(pieces)

    def read_all(self) -> bool:
        """Reads what there is now. True when something came."""
        before = self._size
        while self._read_packet():
            pass
        return self._size > before

    def _read_packet(self) -> bool:
        try:
            data, pid = self._receive(0)
        except BlockingIOError:
            return False
        except OSError:
            data, pid = b"", None
        # An empty packet is no end: CPython 3.14 writes empty strings too. It has a sender, the end has none.
        # Test: test_parts.py, "an empty piece is not the end".
        if pid is None:
            self.ended = True
            return False
        if data == FILLER:
            return True
        self.pid = self.pid or pid
        self._size += len(data)
        if self._size <= MAX_TEXT_BYTES:
            self._pieces.append(data)
        return True

    def _receive(self, flags: int) -> Tuple[bytes, Optional[int]]:
        room = socket.CMSG_SPACE(_CREDENTIALS.size)
        data, ancillary, _, _ = self._socket.recvmsg(_MAX_PIECE, room, flags | socket.MSG_DONTWAIT)
        return data, _sender(ancillary)


def _sender(ancillary: "list[tuple[int, int, bytes]]") -> Optional[int]:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = int(_CREDENTIALS.unpack_from(data)[0])
            return pid or None
    return None
