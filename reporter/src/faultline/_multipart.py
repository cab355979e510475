"""multipart/form-data (RFC 7578), for bodies that fit in memory."""

from __future__ import annotations

import os
from typing import List, NamedTuple, Optional, Sequence


class Part(NamedTuple):
    """A field, or a file where it has a file name."""

    name: str
    content: bytes
    filename: Optional[str] = None
    content_type: str = "application/octet-stream"


class Body(NamedTuple):
    """What to send, and what to call it."""

    content_type: str
    data: bytes


def new_boundary() -> str:
    """Random: it cannot occur in a part by accident."""
    return f"faultline-{os.urandom(16).hex()}"


def part_head(part: Part, boundary: str) -> bytes:
    """Everything before the part's content."""
    disposition = f'form-data; name="{_quoted(part.name)}"'
    if part.filename is not None:
        disposition += f'; filename="{_quoted(part.filename)}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {part.content_type}\r\n\r\n"
    return head.encode("utf-8", "backslashreplace")


def tail(boundary: str) -> bytes:
    """After the last part."""
    return f"--{boundary}--\r\n".encode("ascii")


def multipart(parts: Sequence[Part]) -> Body:
    """All parts in one piece."""
    boundary = new_boundary()
    pieces: List[bytes] = []
    for part in parts:
        pieces += [part_head(part, boundary), part.content, b"\r\n"]
    pieces.append(tail(boundary))
    return Body(f"multipart/form-data; boundary={boundary}", b"".join(pieces))


def _quoted(text: str) -> str:
    """As browsers do (HTML, "multipart/form-data encoding algorithm")."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
