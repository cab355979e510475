"""A dump for a death that left nothing to look at: which signal, which process, when. No threads, no memory."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ._capture import cpu_of_this_machine
from ._maps import Maps
from ._procfs import ProcessTimes
from ._snapshot import Cause, Snapshot
from ._streams import write_dump


def dump_of_silent_death(report: str, pid: int, number: int, info: Dict[str, Any]) -> Optional[bytes]:
    """None on a CPU that minidumps of ours do not know."""
    cpu = cpu_of_this_machine()
    if cpu is None:
        return None
    found = {
        "faultline.id": report,
        "release": info.get("release"),
        "environment": info.get("environment"),
        "python.version": info.get("pythonVersion"),
        "faultline.capture": "exit-status",
    }
    snapshot = Snapshot(
        pid=pid,
        cpu=cpu,
        cause=Cause(pid, number, 0, 0),
        threads=[],
        memory=[],
        maps=Maps([]),
        modules=[],
        times=ProcessTimes(0, 0, 0),
        files={},
        annotations={key: str(value) for key, value in found.items() if value},
        auxv={},
        dso=None,
        python_threads=[],
        runtime=None,
        errors=[],
    )
    return write_dump(snapshot, b"")[0]
