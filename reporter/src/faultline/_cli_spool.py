"""`spool upload`, `spool list`, `spool purge`."""

from __future__ import annotations

import argparse
import os
from typing import List

from ._cli import CommandError, lines, say
from ._spool import DELIVERY, DUMP, META, Spool, SpoolError
from ._spool_folder import default_spool
from ._uploader import NOTHING_LEFT, Outcome, deliver


def upload(options: argparse.Namespace) -> int:
    """1 when something is left. Raises CommandError."""
    outcomes: List[Outcome] = []
    try:
        left = deliver(_folder(options), options.dsn, everything=not options.wait, tell=outcomes.append)
    except (SpoolError, OSError) as error:
        raise CommandError(str(error)) from error
    for outcome in outcomes:
        print("  ".join((outcome.id, outcome.state, outcome.detail)).rstrip())
    if left != NOTHING_LEFT and not outcomes:
        say("another process is uploading")
    return 0 if left == NOTHING_LEFT else 1


def list(options: argparse.Namespace) -> int:  # noqa: A001  (named as the action is)
    """A line a report."""
    rows = []
    for entry in Spool(_folder(options)).entries():
        meta, delivery = entry.read_json(META), entry.read_json(DELIVERY)
        signal = (meta.get("reporter") or {}).get("signal") or {}
        dump = "dump" if entry.read(DUMP) else "text"
        what = str(signal.get("name") or meta.get("kind") or "?")
        rows.append(
            (entry.id, str(meta.get("time")), what, str(meta.get("pid")), dump, delivery.get("lastError") or "")
        )
    for line in lines(rows):
        print(line)
    return 0


def purge(options: argparse.Namespace) -> int:
    """Deletes what waits."""
    spool = Spool(_folder(options))
    entries = spool.entries()
    for entry in entries:
        spool.drop(entry)
    say(f"{len(entries)} deleted")
    return 0


def _folder(options: argparse.Namespace) -> str:
    folder = options.folder or default_spool()
    if not os.path.isdir(folder):
        raise CommandError(f"{folder}: no such folder")
    return str(folder)
