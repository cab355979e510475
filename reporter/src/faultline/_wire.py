"""
What the application tells its monitor: JSON objects over AF_UNIX SOCK_SEQPACKET, with file descriptors beside them.

The kernel names the sender of each message (SCM_CREDENTIALS): children that inherited the socket can use it too.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Any, Dict, List, NamedTuple, Sequence

from ._limits import MAX_MESSAGE_BYTES

PROTOCOL = 1
"""Part of the name monitors listen on: a monitor of another protocol is not found."""
MAX_FDS = 4
_CREDENTIALS = struct.Struct("iII")

Fields = Dict[str, Any]


class Received(NamedTuple):
    """One message. `pid` is the sender's, in the receiver's PID namespace. The receiver owns `fds`."""

    fields: Fields
    fds: List[int]
    pid: int


class ClosedError(Exception):
    """The other end is gone."""


def send(sock: socket.socket, fields: Fields, fds: Sequence[int] = ()) -> None:
    """Never waits. Raises OSError when the other end is gone or does not keep up, ValueError when it is too long."""
    data = json.dumps(fields, separators=(",", ":")).encode("utf-8", "backslashreplace")
    if len(data) > MAX_MESSAGE_BYTES:
        raise ValueError(f"message of {len(data)} bytes (limit MAX_MESSAGE_BYTES, {MAX_MESSAGE_BYTES})")
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def receive(sock: socket.socket, flags: int = 0) -> Received:
    """
    Raises ClosedError at the end, BlockingIOError when there is nothing yet, ValueError for what is no message.

    Descriptors that came with what is no message are closed.
    """
    room = socket.CMSG_SPACE(4 * MAX_FDS) + socket.CMSG_SPACE(_CREDENTIALS.size)
    data, ancillary, _, _ = sock.recvmsg(MAX_MESSAGE_BYTES, room, flags | socket.MSG_CMSG_CLOEXEC)
    fds, pid = _ancillary(ancillary)
    try:
        if not data:
            raise ClosedError
        fields = json.loads(data)
        if not isinstance(fields, dict):
            raise ValueError("message: wanted a JSON object")  # noqa: TRY004  (what callers expect of bad data)
    except BaseException:
        close_all(fds)
        raise
    return Received(fields, fds, pid)


def _ancillary(items: "list[tuple[int, int, bytes]]") -> "tuple[list[int], int]":
    fds: List[int] = []
    pid = 0
    for level, kind, data in items:
        if level != socket.SOL_SOCKET:
            continue
        if kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(data[: len(data) // numbers.itemsize * numbers.itemsize])
            fds.extend(numbers)
        elif kind == socket.SCM_CREDENTIALS and len(data) >= _CREDENTIALS.size:
            pid = _CREDENTIALS.unpack_from(data)[0]
    return fds, pid


def close_all(fds: Sequence[int]) -> None:
    """Closes them, those that are closed already included."""
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass
