"""
One pass over a spool: every report that is due is sent, once.

A report leaves new/ when the service has it (2xx), or refuses its content (400, 413, 415, 422). Anything else, a wrong
key included, may be put right while it waits: it is tried again, later each time, until it is too old.
"""

from __future__ import annotations

import gzip
import json
import random
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from ._dsn import Dsn, parse_dsn
from ._http import Answer, HttpError, post
from ._limits import PASS_BUDGET_S, RETRY_BASE_S, RETRY_MAX_S
from ._multipart import Part, multipart
from ._spool import DELIVERY, DUMP, META, TEXT, Entry, Spool
from ._text_file import collect

NOTHING_LEFT, SOMETHING_LEFT = 0, 75
"""75 is EX_TEMPFAIL of sysexits.h."""
_REFUSED = frozenset((400, 413, 415, 422))
_MAX_METADATA_BYTES = 200 * 1024


class Outcome(NamedTuple):
    """What became of one report, for a person."""

    id: str
    state: str
    """sent, refused, waiting."""
    detail: str


def deliver(
    path: str,
    dsn: Optional[str] = None,
    everything: bool = False,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> int:
    """
    Args:
        dsn: for reports that name none; given, it is used for all.
        everything: also those whose time to be tried again has not come.

    Returns:
        NOTHING_LEFT or SOMETHING_LEFT.
    """
    spool = Spool(path)
    spool.prepare()
    with contextmanager(spool.lock)() as ours:
        if not ours:
            return SOMETHING_LEFT
        collect(spool)
        spool.adopt_abandoned()
        spool.tidy()
        return _Pass(spool, dsn, everything, tell).run()


class _Pass:
    def __init__(self, spool: Spool, dsn: Optional[str], everything: bool, tell: Callable[[Outcome], None]) -> None:
        self._spool = spool
        self._dsn = dsn
        self._everything = everything
        self._tell = tell
        self._unreachable: Set[str] = set()
        self._deadline = time.monotonic() + PASS_BUDGET_S

    def run(self) -> int:
        left = 0
        for entry in self._spool.entries():
            outcome = self._outcome(entry)
            left += outcome.state == "waiting"
            self._tell(outcome)
        return SOMETHING_LEFT if left else NOTHING_LEFT

    def _outcome(self, entry: Entry) -> Outcome:
        if self._spool.was_delivered(entry):
            self._spool.drop(entry)
            return Outcome(entry.id, "sent", "by an earlier pass")
        delivery = entry.read_json(DELIVERY)
        try:
            target = parse_dsn(str(self._dsn or delivery.get("dsn") or ""))
        except ValueError as error:
            return Outcome(entry.id, "waiting", str(error))
        if target.base in self._unreachable:
            return Outcome(entry.id, "waiting", "the service did not answer")
        if time.monotonic() > self._deadline:
            return Outcome(entry.id, "waiting", "no time left in this pass (limit PASS_BUDGET_S)")
        if not self._everything and float(delivery.get("notBefore") or 0) > time.time():
            return Outcome(entry.id, "waiting", "tried lately")
        return self._send(entry, target, delivery)

    def _send(self, entry: Entry, target: Dsn, delivery: Dict[str, Any]) -> Outcome:
        try:
            answer = send_report(entry, target)
        except HttpError as error:
            self._unreachable.add(target.base)
            return self._later(entry, delivery, str(error), None)
        if 200 <= answer.status < 300:
            self._spool.delivered(entry)
            return Outcome(entry.id, "sent", str(answer.fields.get("url") or ""))
        if answer.status in _REFUSED:
            self._note(entry, {**delivery, "lastError": answer.problem})
            self._spool.refused(entry)
            return Outcome(entry.id, "refused", answer.problem)
        if answer.status >= 500 or answer.status == 429:
            self._unreachable.add(target.base)
        return self._later(entry, delivery, answer.problem, answer.retry_after)

    def _later(self, entry: Entry, delivery: Dict[str, Any], why: str, retry_after: Optional[float]) -> Outcome:
        attempts = int(delivery.get("attempts") or 0)
        wait = min(RETRY_MAX_S, RETRY_BASE_S * 2 ** min(attempts, 20)) * random.random()
        if retry_after is not None:
            wait = max(wait, min(retry_after, RETRY_MAX_S))
        changed = {"attempts": attempts + 1, "notBefore": time.time() + wait, "lastError": why}
        self._note(entry, {**delivery, **changed})
        return Outcome(entry.id, "waiting", why)

    def _note(self, entry: Entry, delivery: Dict[str, Any]) -> None:
        """A full disk only costs the memory of when it was tried."""
        try:
            self._spool.update(entry, DELIVERY, json.dumps(delivery, indent=1).encode("utf-8"))
        except OSError:
            return


def send_report(entry: Entry, target: Dsn) -> Answer:
    """Raises HttpError."""
    meta = entry.read_json(META)
    return send_crash(target, meta, entry.read(TEXT), entry.read(DUMP))


def send_crash(target: Dsn, meta: Dict[str, Any], text: Optional[bytes], dump: Optional[bytes]) -> Answer:
    """One request to POST /api/v1/crashes, gzip'ed. Raises HttpError."""
    reporter = meta.get("reporter")
    parts = [Part("metadata", _metadata(meta), content_type="application/json")]
    if text:
        parts.append(Part("faulthandler", text, TEXT, "text/plain"))
    if dump:
        parts.append(Part("minidump", dump, DUMP))
    if isinstance(reporter, dict):
        content = json.dumps(reporter).encode("utf-8", "backslashreplace")
        parts.append(Part("reporter", content, "reporter.json", "application/json"))
    body = multipart(parts)
    headers = {
        "Authorization": f"Bearer {target.key}",
        "Content-Type": body.content_type,
        "Content-Encoding": "gzip",
    }
    return post(target.crashes, gzip.compress(body.data, 6), headers)


_SENT = ("id", "kind", "release", "environment", "host", "pid", "time", "pythonVersion", "tags", "modules")


def _metadata(meta: Dict[str, Any]) -> bytes:
    """The service's fields; modules are left out from the end until it is short enough."""
    fields = {name: meta[name] for name in _SENT if meta.get(name) is not None}
    while True:
        data = json.dumps(fields).encode("utf-8", "backslashreplace")
        modules: List[Any] = fields.get("modules") or []
        if len(data) <= _MAX_METADATA_BYTES or not modules:
            return data
        fields["modules"] = modules[: len(modules) * 3 // 4]
