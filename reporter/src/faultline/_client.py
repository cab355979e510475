"""One application process, as its monitor knows it."""

from __future__ import annotations

import socket
from typing import Dict, List, Optional

from . import _wire
from ._crash_report import Job
from ._pidfd import pidfd_open


class Client:
    """`info` is what it told when it registered, and since."""

    def __init__(self, pid: int, info: _wire.Fields, descriptors: Dict[str, int]) -> None:
        """`descriptors`: `channel`, and `pidfd` and `stderr` where it handed them over; they are ours now."""
        self.pid = pid
        self.info = info
        self.channel: Optional[socket.socket] = socket.socket(fileno=descriptors["channel"])
        self.pidfd = descriptors.get("pidfd", -1)
        self.tee_fd = descriptors.get("stderr", -1)
        self.reported = False
        """Its death is, or is being made, a report."""
        self.looked_at_end = False
        """Its channel has ended while it lived."""

    @property
    def job(self) -> Job:
        """For a worker."""
        return Job(self.pid, self.info, self.tee_fd)

    @property
    def spool(self) -> str:
        """Empty when nothing is to be uploaded."""
        return str(self.info.get("spool", "")) if self.info.get("upload", True) else ""

    @property
    def fillers(self) -> int:
        """Packets in the channel that are no text."""
        return int(self.info.get("fillers", 0))

    def is_there(self) -> bool:
        """Finds out by itself, where it handed no pidfd over. False when it is dead already."""
        if self.pidfd < 0:
            try:
                self.pidfd = pidfd_open(self.pid)
            except ProcessLookupError:
                return False
            except OSError:
                self.pidfd = -1
        return True

    def descriptors(self) -> List[int]:
        """What a worker needs."""
        channel = [] if self.channel is None else [self.channel.fileno()]
        return [*channel, *(fd for fd in (self.tee_fd,) if fd >= 0)]

    def close_channel(self) -> None:
        """Whatever is still blocked in a write to it gets EPIPE."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def close(self) -> None:
        """The channel and all else."""
        self.close_channel()
        _wire.close_all([fd for fd in (self.pidfd, self.tee_fd) if fd >= 0])
        self.pidfd = self.tee_fd = -1
