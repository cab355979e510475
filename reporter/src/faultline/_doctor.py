"""`doctor`: what will be captured on this host, what will not, and what to change. Crashes a child to see."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

from ._cli import crash_info, lines
from ._dsn import parse_dsn
from ._gaps import tells_exit_status
from ._permissions import has_ptrace_capability, is_dumpable, ptrace_scope
from ._reporter import supported
from ._spool import DUMP, META, TEXT, Spool, SpoolError

_CRASH = """
import json, sys, faultline
ok = faultline.install(spool=sys.argv[1], upload=False)
print(json.dumps(faultline.status()), flush=True)
import ctypes
ctypes.string_at(0)
"""
_WAIT_S = 10.0

Row = Tuple[str, str, str]


def doctor(options: argparse.Namespace) -> int:
    """1 when a crash here would not be captured whole."""
    info = crash_info(options)
    rows: List[Row] = [
        _platform(),
        _access(),
        _descriptors(),
        _exit_status(),
        _spool(info["spool"]),
        _service(info["dsn"]),
    ]
    crash, status = _test_crash()
    rows.append(crash)
    for line in lines(rows):
        print(line)
    for gap in status.get("gaps", []):
        print(f"not captured whole: {gap}")
    for trouble in status.get("trouble", []):
        print(f"trouble: {trouble}")
    return 0 if all(row[1] != "bad" for row in rows) else 1


def _platform() -> Row:
    reason = supported()
    python = f"{sys.implementation.name} {sys.version.split()[0]}"
    return ("platform", "ok" if reason is None else "part", reason or f"{python}, {os.uname().machine}")


def _access() -> Row:
    scope = ptrace_scope()
    if has_ptrace_capability():
        return ("access", "ok", "CAP_SYS_PTRACE")
    if not is_dumpable():
        return (
            "access",
            "bad",
            "the process is not dumpable: install() after the change of user, with allow_dumpable=True",
        )
    if scope is not None and scope >= 2:
        return ("access", "bad", f"kernel.yama.ptrace_scope is {scope}: text only; set it to 1, or give CAP_SYS_PTRACE")
    return ("access", "ok", "no Yama" if scope is None else f"kernel.yama.ptrace_scope is {scope}")


def _descriptors() -> Row:
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError, ValueError):
        return ("files", "ok", "no limit known")
    return (
        "files",
        "ok" if soft > 520 else "part",
        f"ulimit -n is {soft}" + ("" if soft > 520 else "; 1024 keeps our descriptors out of the way"),
    )


def _exit_status() -> Row:
    if tells_exit_status():
        return ("kernel", "ok", f"Linux {os.uname().release} tells deaths without a handler (SIGKILL, out of memory)")
    release = os.uname().release if hasattr(os, "uname") else "?"
    return ("kernel", "part", f"{release}: deaths without a handler are told only by `run -- COMMAND` (or Linux 6.15)")


def _spool(path: str) -> Row:
    try:
        Spool(path).prepare()
        with tempfile.TemporaryFile(dir=os.path.join(path, "tmp")) as file:
            file.write(bytes(65536))
    except (SpoolError, OSError) as error:
        return ("spool", "bad", str(error))
    return ("spool", "ok", f"{path}, {len(Spool(path).entries())} waiting")


def _service(dsn: Optional[str]) -> Row:
    if dsn is None:
        return ("service", "part", "no DSN: crashes stay in the spool")
    try:
        target = parse_dsn(dsn)
    except ValueError as error:
        return ("service", "bad", str(error))
    from ._http import HttpError, post

    try:
        answer = post(
            target.crashes, b"", {"Authorization": f"Bearer {target.key}", "Content-Type": "text/plain"}, 10.0
        )
    except HttpError as error:
        return ("service", "bad", str(error))
    if answer.status in (401, 403):
        return ("service", "bad", f"{target.base} refuses the key: {answer.problem}")
    # An empty crash with a good key is refused for being empty.
    good = answer.status in (200, 400, 422)
    return ("service", "ok" if good else "bad", f"{target.base} answers" if good else answer.problem)


def _test_crash() -> Tuple[Row, Dict[str, Any]]:
    """In a child, with a spool of its own."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("FAULTLINE_MONITOR", None)
    with tempfile.TemporaryDirectory(prefix="faultline-doctor-") as folder:
        command = [sys.executable, "-c", _CRASH, folder]
        try:
            ran = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            return ("crash", "bad", str(error)), {}
        status = _first_object(ran.stdout)
        return _judge(folder), status


def _first_object(output: bytes) -> Dict[str, Any]:
    try:
        value = json.loads(output.splitlines()[0])
    except (ValueError, IndexError):
        return {}
    return value if isinstance(value, dict) else {}


def _judge(folder: str) -> Row:
    spool = Spool(folder)
    deadline = time.monotonic() + _WAIT_S
    while not spool.entries() and time.monotonic() < deadline:
        time.sleep(0.05)
    entries = spool.entries()
    if not entries:
        return ("crash", "bad", "a test crash was not captured")
    entry = entries[0]
    reporter = entry.read_json(META).get("reporter") or {}
    has = [name for name, file in (("text", TEXT), ("dump", DUMP)) if entry.read(file)]
    freeze = (reporter.get("timings") or {}).get("freeze")
    took = f", stood still for {freeze:.1f} ms" if isinstance(freeze, float) else ""
    refused = f" ({reporter['refused']})" if reporter.get("refused") else ""
    how = f"{' and '.join(has)} by {reporter.get('capture')}{took}{refused}"
    return ("crash", "ok" if "dump" in has else "bad", f"a test crash gave {how}")
