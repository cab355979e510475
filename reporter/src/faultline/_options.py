"""What install() was asked for, filled up from the environment."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ._dsn import parse_dsn
from ._limits import MAX_TAG_CHARS, MAX_TAGS
from ._spool_folder import default_spool
from ._version import __version__

DSN_VARIABLE = "FAULTLINE_DSN"
RELEASE_VARIABLE = "FAULTLINE_RELEASE"
ENVIRONMENT_VARIABLE = "FAULTLINE_ENVIRONMENT"
SPOOL_VARIABLE = "FAULTLINE_SPOOL_DIR"
SUPERVISOR_VARIABLE = "FAULTLINE_SUPERVISOR"
"""`PID:FOLDER` of a `faultline run`. It tells itself how its child died, unless a file named as the child's pid
lies in the folder: then the child's own reporter has told more."""


class Options(NamedTuple):
    """See install(), which documents each."""

    dsn: Optional[str]
    release: Optional[str]
    environment: Optional[str]
    tags: Dict[str, str]
    spool: str
    python: Optional[str]
    upload: bool
    python_memory: bool
    send_argv: bool
    send_environ: bool
    max_dump_mb: float
    thread_altstacks: bool
    capture_fatal: bool
    exceptions: bool
    allow_dumpable: bool
    hang_guard: Optional[float]

    def registration(self) -> Dict[str, Any]:
        """What the monitor is told of it, beside what only the process itself knows."""
        return {
            "dsn": self.dsn,
            "release": self.release,
            "environment": self.environment,
            "tags": self.tags,
            "spool": self.spool,
            "upload": self.upload and self.dsn is not None,
            "pythonMemory": self.python_memory,
            "sendArgv": self.send_argv,
            "sendEnviron": self.send_environ,
            "maxDumpMb": self.max_dump_mb,
            "captureFatal": self.capture_fatal,
            "hangGuard": self.hang_guard,
            "supervisor": _supervisor(),
            **process_facts(),
        }


def _supervisor() -> Optional[str]:
    """The folder, for a direct child of the supervisor."""
    pid, separator, folder = os.environ.get(SUPERVISOR_VARIABLE, "").partition(":")
    return folder if separator and hasattr(os, "getppid") and pid == str(os.getppid()) else None


def process_facts() -> Dict[str, Any]:
    """Of this interpreter and its program; of the arguments only the program's own name."""
    return {
        "program": (getattr(sys, "argv", None) or [""])[0][:MAX_TAG_CHARS],
        "pythonVersion": ".".join(map(str, sys.version_info[:3])),
        "version": list(sys.version_info[:2]) if sys.implementation.name == "cpython" else None,
        "implementation": sys.implementation.name,
        "reporterVersion": __version__,
    }


def resolve(dsn: Optional[str], given: Mapping[str, Any]) -> Options:
    """Raises ValueError, naming what is wrong."""
    values = dict(given)
    dsn = dsn or os.environ.get(DSN_VARIABLE) or None
    if dsn is not None:
        parse_dsn(dsn)
    tags = {str(key)[:MAX_TAG_CHARS]: str(value)[:MAX_TAG_CHARS] for key, value in (values["tags"] or {}).items()}
    if len(tags) > MAX_TAGS:
        raise ValueError(f"tags: wanted at most {MAX_TAGS} (limit MAX_TAGS), found {len(tags)}")
    values.update(
        dsn=dsn,
        tags=tags,
        release=_text(values["release"] or os.environ.get(RELEASE_VARIABLE)),
        environment=_text(values["environment"] or os.environ.get(ENVIRONMENT_VARIABLE)),
        spool=os.path.abspath(values["spool"] or os.environ.get(SPOOL_VARIABLE) or default_spool()),
    )
    return Options(**values)


def _text(value: Any) -> Optional[str]:
    return None if value is None or value == "" else str(value)[:MAX_TAG_CHARS]
