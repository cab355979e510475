"""
Reports on this machine's disk, until a service has them.

    <spool>/            0700, ours, no symlink
      tmp/<id>/         being written
      new/<id>/         whole: meta.json, faulthandler.txt and crash.dmp where there are such, delivery.json
      failed/<id>/      refused by the service
      sent              reports that were delivered lately: id and pid, one a line
      recent.json       what was captured lately, for the limits on crash loops
      upload.lock       held by the one process that uploads

A report is written into tmp/, each file and the folder fsync'ed, and renamed into new/: it is there whole or not at
all. Only the process that holds the lock takes reports out of new/.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

from ._limits import (
    DUMPS_OF_ONE_CRASH_PER_HOUR,
    REPORTS_PER_MINUTE,
    SPOOL_MAX_AGE_S,
    SPOOL_MAX_BYTES,
    SPOOL_MAX_REPORTS,
)
from ._uuid7 import time_of

META, TEXT, DUMP, DELIVERY = "meta.json", "faulthandler.txt", "crash.dmp", "delivery.json"
_SENT_KEPT = 1000
_ABANDONED_S = 120.0
_HOUR, _MINUTE = 3600.0, 60.0


class SpoolError(Exception):
    """The folder cannot be used; the message says why."""


class Entry(NamedTuple):
    """One report in new/."""

    id: str
    path: str

    def read(self, name: str) -> Optional[bytes]:
        """A file of the report; None without it."""
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                return file.read()
        except OSError:
            return None

    def read_json(self, name: str) -> Dict[str, Any]:
        """Empty when it is missing or damaged."""
        try:
            value = json.loads(self.read(name) or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(_size(os.path.join(self.path, name)) for name in _listdir(self.path))


class Spool:
    """One spool folder. Nothing is touched before a method is called."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._tmp = os.path.join(self.path, "tmp")
        self._new = os.path.join(self.path, "new")
        self._failed = os.path.join(self.path, "failed")

    def prepare(self) -> None:
        """Makes the folders. Raises SpoolError when the folder is another user's, a symlink, or cannot be made."""
        try:
            os.makedirs(self.path, 0o700, exist_ok=True)
            found = os.lstat(self.path)
            if not stat.S_ISDIR(found.st_mode):
                raise SpoolError(f"{self.path}: wanted a folder, found something else")
            if hasattr(os, "getuid") and found.st_uid != os.geteuid():
                raise SpoolError(f"{self.path}: belongs to user {found.st_uid}, not to {os.geteuid()}")
            if found.st_mode & 0o077:
                os.chmod(self.path, 0o700)
            for folder in (self._tmp, self._new, self._failed):
                os.makedirs(folder, 0o700, exist_ok=True)
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror or error}") from error

    def begin(self, report: str, files: Mapping[str, bytes]) -> str:
        """Writes a report into tmp/. Answers its folder there. Raises SpoolError; then nothing is left of it."""
        self.prepare()
        folder = os.path.join(self._tmp, report)
        try:
            os.mkdir(folder, 0o700)
            for name, data in files.items():
                write_durably(os.path.join(folder, name), data)
            _sync_folder(folder)
        except OSError as error:
            _remove(folder)
            raise SpoolError(f"{folder}: {error.strerror or error}") from error
        return folder

    def commit(self, report: str) -> None:
        """From tmp/ to new/: from now on it will be delivered. Raises SpoolError."""
        try:
            os.rename(os.path.join(self._tmp, report), os.path.join(self._new, report))
            _sync_folder(self._new)
        except OSError as error:
            raise SpoolError(f"{self._new}/{report}: {error.strerror or error}") from error
        self.enforce_limits(report)

    def put(self, report: str, files: Mapping[str, bytes]) -> None:
        """`begin` and `commit`."""
        self.begin(report, files)
        self.commit(report)

    def entries(self) -> List[Entry]:
        """Those to deliver, oldest first: ids sort by time."""
        return [Entry(name, os.path.join(self._new, name)) for name in sorted(_listdir(self._new))]

    def adopt_abandoned(self) -> None:
        """Reports whose writer died between `begin` and `commit`: whole ones are kept, others removed."""
        for name in _listdir(self._tmp):
            folder = os.path.join(self._tmp, name)
            if time.time() - _modified(folder) < _ABANDONED_S:
                continue
            try:
                if os.path.exists(os.path.join(folder, META)):
                    os.rename(folder, os.path.join(self._new, name))
                else:
                    _remove(folder)
            except OSError:
                continue

    def update(self, entry: Entry, name: str, data: bytes) -> None:
        """Replaces one file of a report, whole or not at all. Raises OSError."""
        target = os.path.join(entry.path, name)
        write_durably(target + ".part", data)
        os.replace(target + ".part", target)

    def delivered(self, entry: Entry) -> None:
        """Remembers the id before the report goes, so that it is never sent again. Raises OSError."""
        with open(os.path.join(self.path, "sent"), "a", encoding="ascii") as file:
            file.write(f"{entry.id} {entry.read_json(META).get('pid') or 0}\n")
            file.flush()
            os.fsync(file.fileno())
        _remove(entry.path)

    def was_delivered(self, entry: Entry) -> bool:
        """Whether an earlier pass sent it and died before it could remove it."""
        return any(line.split(" ")[0] == entry.id for line in self._sent())

    def knows(self, pid: int, since: float) -> bool:
        """Whether a death of process `pid` was reported after `since` (seconds since 1970), delivered or not."""
        reports = [(entry.id, entry.read_json(META).get("pid")) for entry in [*self._failed_entries(), *self.entries()]]
        sent = [line.split(" ") for line in self._sent()]
        reports += [(line[0], int(line[1])) for line in sent if len(line) > 1 and line[1].isdigit()]
        return any(found == pid and time_of(report) >= since for report, found in reports)

    def refused(self, entry: Entry) -> None:
        """Moves it to failed/. Raises OSError."""
        os.rename(entry.path, os.path.join(self._failed, entry.id))

    def drop(self, entry: Entry) -> None:
        """Removes it."""
        _remove(entry.path)

    def _sent(self) -> List[str]:
        try:
            with open(os.path.join(self.path, "sent"), encoding="ascii", errors="replace") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def tidy(self) -> None:
        """Drops what is too old, and the memory of what was sent long ago."""
        now = time.time()
        for entry in [*self.entries(), *self._failed_entries()]:
            if now - _modified(entry.path) > SPOOL_MAX_AGE_S:
                self.drop(entry)
        sent = self._sent()
        if len(sent) > 2 * _SENT_KEPT:
            target = os.path.join(self.path, "sent")
            write_durably(target + ".part", ("\n".join(sent[-_SENT_KEPT:]) + "\n").encode("ascii"))
            os.replace(target + ".part", target)

    def _failed_entries(self) -> List[Entry]:
        names = sorted(_listdir(self._failed))
        return [Entry(name, os.path.join(self._failed, name)) for name in names]

    def enforce_limits(self, newest: str = "") -> None:
        """SPOOL_MAX_REPORTS and SPOOL_MAX_BYTES: refused reports go first, then the oldest; never `newest`."""
        kept = [*self._failed_entries(), *self.entries()]
        total = sum(entry.size for entry in kept)
        for entry in list(kept):
            if len(kept) <= SPOOL_MAX_REPORTS and total <= SPOOL_MAX_BYTES:
                return
            if entry.id == newest:
                continue
            total -= entry.size
            kept.remove(entry)
            self.drop(entry)

    def lock(self) -> Iterator[bool]:
        """
        For `with contextlib.contextmanager(spool.lock)()`: False when another process uploads.

        Without flock(2) (Windows) nobody is kept out: the service knows a report that comes twice by its id.
        """
        try:
            import fcntl
        except ImportError:
            yield True
            return
        fd = os.open(os.path.join(self.path, "upload.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(fd)

    def judge(self, crash_key: str) -> "Verdict":
        """Counts a crash in, and says how much of it to keep: a process that dies in a loop must not fill the disk."""
        path = os.path.join(self.path, "recent.json")
        now = time.time()
        recent = [one for one in _read_list(path) if now - _HOUR < one[0] <= now]
        in_last_minute = sum(1 for when, _ in recent if when > now - _MINUTE)
        same = sum(1 for _, key in recent if key == crash_key)
        if in_last_minute >= REPORTS_PER_MINUTE:
            return Verdict(keep=False, with_dump=False)
        recent.append((now, crash_key))
        try:
            write_durably(f"{path}.{os.getpid()}", json.dumps(recent).encode("ascii"))
            os.replace(f"{path}.{os.getpid()}", path)
        except OSError:
            pass
        return Verdict(keep=True, with_dump=same < DUMPS_OF_ONE_CRASH_PER_HOUR)


class Verdict(NamedTuple):
    """What to keep of a crash."""

    keep: bool
    with_dump: bool


def _read_list(path: str) -> "list[tuple[float, str]]":
    try:
        with open(path, "rb") as file:
            value = json.load(file)
        return [(float(when), str(key)) for when, key in value]
    except (OSError, ValueError, TypeError):
        return []


def write_durably(path: str, data: bytes) -> None:
    """Creates (never follows a symlink), writes, fsyncs. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    fd = os.open(path, flags, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove(folder: str) -> None:
    """A report's folder: files only. What cannot be removed stays."""
    for name in _listdir(folder):
        try:
            os.unlink(os.path.join(folder, name))
        except OSError:
            continue
    try:
        os.rmdir(folder)
    except OSError:
        return


def _sync_folder(path: str) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _listdir(path: str) -> List[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _modified(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return time.time()
