"""`core` and `core-handler`."""

from __future__ import annotations

import argparse
import os
import time

from ._cli import CommandError, crash_info, say
from ._core import CoreError
from ._core_report import CoreReport, describe, report_of_core_file, report_of_dying_process
from ._report import files_of
from ._spool import Spool, SpoolError, write_durably
from ._uploader import deliver

_HANDLER_LIMIT_S = 30.0
_JUST_NOW_S = 60.0


def core(options: argparse.Namespace) -> int:
    """Raises CommandError."""
    info = crash_info(options)
    try:
        report = report_of_core_file(options.file, info)
    except (CoreError, OSError) as error:
        raise CommandError(f"{options.file}: {error}") from error
    for line in describe(report):
        say(line)
    if options.out:
        try:
            write_durably(options.out, report.dump)
        except OSError as error:
            raise CommandError(f"{options.out}: {error.strerror}") from error
        return 0
    _keep(report, info)
    if options.dsn is None:
        say(f"no DSN: kept as {report.id} in {info['spool']}")
        return 0
    states = []
    deliver(info["spool"], tell=lambda outcome: states.append(outcome) if outcome.id == report.id else None)
    for outcome in states:
        say(f"{outcome.state} {outcome.detail}")
    return 0 if states and states[0].state == "sent" else 1


def core_handler(options: argparse.Namespace) -> int:
    """Called by the kernel: nobody reads what it says, and it must end."""
    import signal

    signal.setitimer(signal.ITIMER_REAL, _HANDLER_LIMIT_S)
    info = crash_info(options)
    if Spool(info["spool"]).knows(options.pid, time.time() - _JUST_NOW_S):
        return 0  # the reporter inside the process has captured it
    try:
        report = report_of_dying_process(options.pid, 0, info)
    except (CoreError, OSError) as error:
        raise CommandError(f"process {options.pid}: {error}") from error
    _keep(report, info)
    os.close(0)
    if options.dsn is not None:
        deliver(info["spool"])
    return 0


def _keep(report: CoreReport, info: "dict[str, object]") -> None:
    dsn = info["dsn"]
    try:
        Spool(str(info["spool"])).put(
            report.id, files_of(report.meta, b"", report.dump, None if dsn is None else str(dsn))
        )
    except SpoolError as error:
        raise CommandError(str(error)) from error
