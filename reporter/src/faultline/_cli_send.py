"""`send`: a text or a dump from anywhere."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Dict, Optional, Tuple

from ._cli import CommandError, crash_info, say
from ._dsn import parse_dsn
from ._http import HttpError
from ._report import metadata
from ._uploader import send_crash
from ._uuid7 import uuid7

_MAX_FILE_BYTES = 250 << 20


def send(options: argparse.Namespace) -> int:
    """Prints the crash's page. Raises CommandError."""
    if options.dsn is None:
        raise CommandError("no DSN: give --dsn, or set FAULTLINE_DSN")
    try:
        target = parse_dsn(options.dsn)
    except ValueError as error:
        raise CommandError(str(error)) from error
    text, dump = _files(options.files)
    meta = _metadata(options)
    try:
        answer = send_crash(target, meta, text, dump)
    except HttpError as error:
        raise CommandError(str(error)) from error
    if not 200 <= answer.status < 300:
        raise CommandError(answer.problem)
    if answer.fields.get("duplicate"):
        say("the service had it already")
    print(answer.fields.get("url") or answer.fields.get("id") or "sent")
    return 0


def _metadata(options: argparse.Namespace) -> Dict[str, Any]:
    meta = metadata(options.id or uuid7(), crash_info(options), "signal", 0)
    for name in ("kind", "pid", "reporter"):
        del meta[name]
    meta["host"] = options.host or meta["host"]
    meta["time"] = options.time or meta["time"]
    meta["pythonVersion"] = options.python_version
    return meta


def _files(paths: "list[str]") -> Tuple[Optional[bytes], Optional[bytes]]:
    """At most one of each: told apart by a minidump's first bytes."""
    found: Dict[bool, bytes] = {}
    for path in paths:
        data = _read(path)
        is_dump = data[:4] == b"MDMP"
        if is_dump in found:
            kind = "minidump" if is_dump else "text"
            raise CommandError(f"{path}: a second {kind}; one crash has at most one of each")
        found[is_dump] = data
    return found.get(False), found.get(True)


def _read(path: str) -> bytes:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_MAX_FILE_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    if not data:
        raise CommandError(f"{path}: is empty")
    if len(data) > _MAX_FILE_BYTES:
        raise CommandError(f"{path}: more than {_MAX_FILE_BYTES} bytes")
    return data
