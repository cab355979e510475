"""The public functions."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

_reporter: Any = None
_hooked = False


def install(
    dsn: Optional[str] = None,
    *,
    release: Optional[str] = None,
    environment: Optional[str] = None,
    tags: Optional[Mapping[str, str]] = None,
    spool: Optional[str] = None,
    upload: bool = True,
    python: Optional[str] = None,
    python_memory: bool = True,
    send_argv: bool = False,
    send_environ: bool = False,
    max_dump_mb: float = 8,
    thread_altstacks: bool = True,
    capture_fatal: bool = False,
    exceptions: bool = False,
    allow_dumpable: bool = False,
    hang_guard: Optional[float] = None,
) -> bool:
    """
    Capture every death of this process, and of the processes it forks.

    Call it after daemonising and after dropping privileges. A second call in the same process changes nothing.
    Never raises; `status()` tells what went wrong. A process that dies is held for milliseconds, and whatever happens
    to the reporter no longer than a bound: 12 s where a worker is stuck, 20 s where the monitor was stopped.

    Args:
        dsn: where to send crashes, `https://KEY@host/PROJECT`; else $FAULTLINE_DSN. Without one they stay in the spool.
        release: name of what runs, as its symbols were uploaded; else $FAULTLINE_RELEASE.
        environment: production, staging...; else $FAULTLINE_ENVIRONMENT.
        tags: short texts that go with every crash; see `set_tag`.
        spool: folder for crashes until they are delivered; else $FAULTLINE_SPOOL_DIR, else in the user's state folder.
        upload: False leaves the spool to an agent of the host (`python -m faultline spool upload DIR`).
        python: interpreter for the monitor, where sys.executable is none.
        python_memory: keep what names the Python frames of all threads; no values of variables.
        send_argv: include the command line in dumps.
        send_environ: include the environment in dumps.
        max_dump_mb: larger dumps are left out, their text is not.
        thread_altstacks: give each thread that Python starts a signal stack, so that its stack overflow can be told.
        capture_fatal: capture Py_FatalError() too; makes SIGABRT take up to 6 s where the monitor is dead.
        exceptions: send unhandled Python exceptions as crashes too (sys, threading, asyncio, unraisable).
        allow_dumpable: undo what a change of user ids did to who may look into this process.
        hang_guard: seconds after which a monitor that hangs for any reason is killed.

    Returns:
        True when crashes will be captured, if only as text.
    """
    global _reporter, _hooked
    if _reporter is not None and _reporter.pid == os.getpid():
        return bool(_reporter.is_alive())
    given = dict(
        release=release,
        environment=environment,
        tags=tags,
        spool=spool,
        upload=upload,
        python=python,
        python_memory=python_memory,
        send_argv=send_argv,
        send_environ=send_environ,
        max_dump_mb=max_dump_mb,
        thread_altstacks=thread_altstacks,
        capture_fatal=capture_fatal,
        exceptions=exceptions,
        allow_dumpable=allow_dumpable,
        hang_guard=hang_guard,
    )
    try:
        from ._options import resolve
        from ._reporter import Reporter

        reporter = Reporter(resolve(dsn, given))
        started = reporter.start()
        _reporter = reporter
        if not _hooked and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork_in_child)
            _hooked = True
        return started
    except Exception as error:
        _failed_with(error)
        return False


_last_error: Optional[str] = None


def _failed_with(error: Exception) -> None:
    global _last_error
    _last_error = f"install: {type(error).__name__}: {error}"


def _after_fork_in_child() -> None:
    if _reporter is not None:
        try:
            _reporter.after_fork_in_child()
        except Exception as error:
            _failed_with(error)


def uninstall() -> None:
    """Put everything back as it was before `install`. Never raises."""
    global _reporter
    reporter, _reporter = _reporter, None
    if reporter is not None:
        reporter.stop()


def set_tag(key: str, value: str) -> None:
    """Attach a short text to the crashes of this process from now on. Never raises."""
    if _reporter is not None:
        try:
            _reporter.set_tag(key, value)
        except Exception as error:
            _failed_with(error)


def capture_now() -> Optional[str]:
    """
    Capture a dump of this process without a crash, and wait until it is in the spool (milliseconds, at most 12 s).

    Returns:
        The report's id, None when it could not be captured. Never raises.
    """
    return None if _reporter is None else _reporter.capture_now()


def ensure() -> bool:
    """
    Start a new monitor where the old one died. For long-lived processes, now and then; costs microseconds.

    Returns:
        Whether a crash now would be captured. Never raises.
    """
    reporter = _reporter
    if reporter is None:
        return False
    if reporter.is_alive():
        return True
    options, tags = reporter.options, reporter.tags
    uninstall()
    fields = options._asdict()
    return install(fields.pop("dsn"), **{**fields, "tags": tags})


def status() -> Dict[str, Any]:
    """
    What will be captured, and what not. Never raises.

    Returns:
        `installed`; `capture` (monitor, text-file, none); `alive`; `spool`; `trouble`, a list of what
        went wrong; `gaps`, a list of deaths that would not be captured whole.
    """
    reporter = _reporter
    if reporter is None:
        trouble = [_last_error] if _last_error else []
        return {"installed": False, "capture": "none", "alive": False, "spool": None, "trouble": trouble, "gaps": []}
    from ._gaps import gaps_of

    return {
        "installed": True,
        "capture": reporter.how,
        "alive": reporter.is_alive(),
        "spool": reporter.options.spool,
        "trouble": list(reporter.trouble),
        "gaps": gaps_of(reporter.options, reporter.how),
    }
