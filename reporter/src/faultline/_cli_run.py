"""
`run -- COMMAND …`: as parent of a process, tell how it died, whatever it is and whatever kernel this is.

Programs that install the reporter themselves report themselves; of others there are the exit status and what
faulthandler prints on stderr, which PYTHONFAULTHANDLER switches on in every Python.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any, Dict, List

from ._cli import CommandError, crash_info, say
from ._limits import MAX_TEXT_BYTES
from ._options import SPOOL_VARIABLE, SUPERVISOR_VARIABLE
from ._report import files_of, metadata
from ._signals import DEATHS, signal_name
from ._silent_death import dump_of_silent_death
from ._spool import Spool, SpoolError
from ._uploader import deliver
from ._uuid7 import uuid7

_HEADERS = (b"Fatal Python error: ", b"Windows fatal exception: ")
_FORWARDED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def run(options: argparse.Namespace) -> int:
    """Ends as the command did, by the same signal too. Raises CommandError when it cannot be started."""
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise CommandError("run: wanted -- COMMAND")
    info = crash_info(options)
    with tempfile.TemporaryDirectory(prefix="faultline-run-") as folder:
        status = _supervise(argv, info, folder)
    _end_as(status)
    return status


def _supervise(argv: List[str], info: Dict[str, Any], folder: str) -> int:
    environment = {
        "PYTHONFAULTHANDLER": "1",
        **os.environ,
        SPOOL_VARIABLE: info["spool"],
        SUPERVISOR_VARIABLE: f"{os.getpid()}:{folder}",
    }
    try:
        child = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE)
    except OSError as error:
        raise CommandError(f"{argv[0]}: {error.strerror}") from error
    _forward_signals(child)
    tail = StderrTail(child)
    status = child.wait()
    text = tail.crash_text()
    has_told = os.path.exists(os.path.join(folder, str(child.pid)))
    if status < 0 and -status in DEATHS and not has_told:
        info["program"] = os.path.basename(argv[0])
        _report(child.pid, -status, text, info)
    return status


def _forward_signals(child: "subprocess.Popen[bytes]") -> None:
    def forward(received: int, _frame: object) -> None:
        if child.poll() is None:
            child.send_signal(received)

    for name in _FORWARDED:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, forward)


class StderrTail:
    """Passes the child's stderr on, and keeps what a crash wrote at its end."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._kept = bytearray()
        self._stream = child.stderr
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        stream: Any = self._stream
        while True:
            data = os.read(stream.fileno(), 65536)
            if not data:
                return
            _write_all(sys.stderr.buffer, data)
            self._kept += data
            if len(self._kept) > 2 * MAX_TEXT_BYTES:
                del self._kept[:-MAX_TEXT_BYTES]

    def crash_text(self) -> bytes:
        """From the last fatal error on; empty without one. A grandchild that holds the pipe is not waited for."""
        self._thread.join(1.0)
        kept = bytes(self._kept[-MAX_TEXT_BYTES:])
        start = max(kept.rfind(header) for header in _HEADERS)
        return kept[start:] if start >= 0 else b""


def _write_all(stream: "IO[bytes]", data: bytes) -> None:
    try:
        stream.write(data)
        stream.flush()
    except OSError:
        return


def _report(pid: int, number: int, text: bytes, info: Dict[str, Any]) -> None:
    report = uuid7()
    meta = metadata(report, info, "signal" if text else "exit", pid)
    meta["reporter"].update(capture="run", signal={"number": number, "name": signal_name(number)})
    dump = None if text else dump_of_silent_death(report, pid, number, info)
    try:
        Spool(info["spool"]).put(report, files_of(meta, text, dump, info["dsn"]))
        if info["dsn"] is not None:
            deliver(info["spool"])
    except (SpoolError, OSError) as error:
        say(str(error))


def _end_as(status: int) -> None:
    if status >= 0:
        return
    number = -status
    _without_core()
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
    os.kill(os.getpid(), number)


def _without_core() -> None:
    """The command wrote its own core, if any; ours would be one of the supervisor."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return
