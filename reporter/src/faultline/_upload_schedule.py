"""When the monitor sends which spool: each pass is a child of its own, so that a slow network holds nothing up."""

from __future__ import annotations

import os
import time
from typing import Dict, Optional, Set

from ._children import Children
from ._limits import RETRY_BASE_S, RETRY_MAX_S

_FIRST_PASS_S = 1.0
"""After an application has started: what earlier ones left."""
_LAST_RETRIES = 3
"""Passes that fail, once no application is left to wait with."""


class UploadSchedule:
    """Of all spools of all applications of one monitor."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._known: Set[str] = set()
        self._due: Dict[str, float] = {}
        self._under_way: Set[str] = set()
        self._again: Set[str] = set()
        """Spools that something was put into while a pass was under way."""
        self._failures: Dict[str, int] = {}
        self.has_applications = True

    @property
    def next_due(self) -> Optional[float]:
        """On the monotonic clock; None when nothing waits."""
        return min(self._due.values(), default=None)

    def offer(self, spool: str) -> None:
        """An application with this spool has started."""
        if spool not in self._known:
            self._known.add(spool)
            self._due.setdefault(spool, time.monotonic() + _FIRST_PASS_S)

    def something_new(self, spool: str) -> None:
        """A report was put into it."""
        self._known.add(spool)
        self._failures.pop(spool, None)
        if spool in self._under_way:
            self._again.add(spool)
        else:
            self._due[spool] = time.monotonic()

    def hurry(self) -> None:
        """The last application is gone: first passes need not wait; retries keep their time."""
        self.has_applications = False
        for spool in self._due:
            if spool not in self._failures:
                self._due[spool] = time.monotonic()

    def give_up(self) -> None:
        """What is left is sent by the next start."""
        self._due.clear()
        self._again.clear()
        self._children.kill_patient()

    def start_due(self) -> None:
        """Passes whose time has come."""
        now = time.monotonic()
        for spool, due in list(self._due.items()):
            if due <= now:
                del self._due[spool]
                self._start(spool)

    def _start(self, spool: str) -> None:
        self._under_way.add(spool)

        def work() -> int:
            from ._uploader import deliver

            return deliver(spool)

        self._children.start(work, lambda code: self._ended(spool, code), [], patient=True)

    def _ended(self, spool: str, code: int) -> None:
        self._under_way.discard(spool)
        failures = self._failures.pop(spool, 0)
        if spool in self._again:
            self._again.discard(spool)
            self._due[spool] = time.monotonic()
        elif code != 0 and (self.has_applications or failures < _LAST_RETRIES):
            self._failures[spool] = failures + 1
            jitter = 0.5 + os.urandom(1)[0] / 512
            self._due[spool] = time.monotonic() + min(RETRY_MAX_S, RETRY_BASE_S * 2**failures) * jitter
