"""Ids that sort by time (RFC 9562, section 5.7), which the service takes as they are."""

from __future__ import annotations

import os
import time


def time_of(report: str) -> float:
    """Seconds since 1970 of a UUIDv7; 0 for what is none."""
    try:
        return int(report.replace("-", "")[:12], 16) / 1000
    except ValueError:
        return 0.0


def uuid7() -> str:
    """A new UUIDv7 in canonical form."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (
        (milliseconds & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (random >> 62 & 0xFFF) << 64
        | 0b10 << 62
        | random & (1 << 62) - 1
    )
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
