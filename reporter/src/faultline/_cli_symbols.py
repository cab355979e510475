"""`symbols upload`: find, ask, send what is missing, and with --check tell whether the release can be symbolicated."""

from __future__ import annotations

import argparse
import sys
import time
from typing import List

from ._cli import CommandError, say
from ._symbol_client import BATCH_BYTES, BATCH_FILES, SymbolClient, SymbolError
from ._symbol_files import Inventory
from ._symbol_plan import Item, Plan, make_plan

_READY_TIMEOUT_S = 300.0
_LISTED = 50


def upload(options: argparse.Namespace) -> int:
    """1 when a file was refused, or --check found something missing. Raises CommandError."""
    plan = _plan(options)
    if options.dry_run:
        for item in plan.items:
            print(f"{item.kind:7} {item.size:>10} {item.name}")
        return _verdict(options.check, plan.missing, [])
    client = _client(options)
    try:
        refused = _send_missing(client, plan.items)
        unready = _unready(client, plan.items) if options.check else []
    except SymbolError as error:
        raise CommandError(str(error)) from error
    return _verdict(options.check, [*plan.missing, *unready], refused)


def _client(options: argparse.Namespace) -> SymbolClient:
    for name, variable in (("release", "FAULTLINE_RELEASE"), ("url", "FAULTLINE_URL"), ("token", "FAULTLINE_TOKEN")):
        if not getattr(options, name):
            raise CommandError(f"no {name}: give --{name}, or set {variable}")
    return SymbolClient(options.url, options.token, options.release, options.project)


def _plan(options: argparse.Namespace) -> Plan:
    inventory = Inventory()
    for path in options.paths:
        try:
            inventory.add_path(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from error
    for trouble in inventory.trouble:
        say(trouble)
    plan = make_plan(inventory, options.debug, not options.no_sources, not options.no_native, options.stripped_ok)
    counts = {kind: sum(item.kind == kind for item in plan.items) for kind in ("pyc", "source", "native", "debug")}
    say("found " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    if not plan.items:
        raise CommandError("nothing below these paths is Python or ELF")
    return plan


def _send_missing(client: SymbolClient, items: List[Item]) -> List[str]:
    missing = [item for item, state in zip(items, client.states(items)) if state.state == "missing"]
    say(f"{len(items) - len(missing)} are there already, {len(missing)} to send")
    progress = Progress(len(missing), sum(item.size for item in missing))
    refused: List[str] = []
    for batch in batches(missing):
        refused.extend(client.send(batch, progress.bytes).refused)
        progress.files(len(batch))
    progress.end()
    return refused


def batches(items: List[Item]) -> List[List[Item]]:
    """Requests of a size that may fail and be sent again."""
    found: List[List[Item]] = []
    room = 0
    for item in items:
        if not found or len(found[-1]) >= BATCH_FILES or room < item.size:
            found.append([])
            room = BATCH_BYTES
        found[-1].append(item)
        room -= item.size
    return found


class Progress:
    """On stderr: a line that changes on a terminal, a line a batch elsewhere."""

    def __init__(self, files: int, size: int) -> None:
        self._files, self._size = files, size
        self._files_done = self._bytes_done = 0
        self._live = sys.stderr.isatty()
        self._shown = 0.0

    def bytes(self, count: int) -> None:
        """So many more were read and handed to the connection."""
        self._bytes_done += count
        if self._live and time.monotonic() - self._shown > 0.1:
            self._shown = time.monotonic()
            sys.stderr.write(f"\r{self._line()}")
            sys.stderr.flush()

    def files(self, count: int) -> None:
        """A batch is stored."""
        self._files_done += count
        if not self._live:
            say(self._line())

    def _line(self) -> str:
        return f"sent {self._files_done}/{self._files} files, {self._bytes_done / 1e6:.1f}/{self._size / 1e6:.1f} MB"

    def end(self) -> None:
        """Leaves the terminal on a line of its own."""
        if self._live and self._files:
            sys.stderr.write(f"\r{self._line()}\n")


def _unready(client: SymbolClient, items: List[Item]) -> List[str]:
    """What the service cannot use, or does not have, once it has worked on everything."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while True:
        states = client.states(items)
        if not any(state.state == "stored" for state in states) or time.monotonic() > deadline:
            break
        time.sleep(1.0)
    return [
        f"{item.name}: {state.error or state.state}" for item, state in zip(items, states) if state.state != "ready"
    ]


def _verdict(check: bool, missing: List[str], refused: List[str]) -> int:
    for line in refused[:_LISTED]:
        say(f"refused: {line}")
    if missing and not check:
        say(f"{len(missing)} files cannot be symbolicated whole; --check lists them")
    for line in missing[: _LISTED if check else 0]:
        say(f"missing: {line}")
    for kind, found in (("refused", refused), ("missing", missing if check else [])):
        if len(found) > _LISTED:
            say(f"{kind}: and {len(found) - _LISTED} more")
    if refused or (check and missing):
        return 1
    if check:
        say("every crash of this release can be symbolicated")
    return 0
