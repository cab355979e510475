"""
Finds what a release's crashes need below the given paths: Python sources, compiled files, ELF files, debug files.

A path is a wheel or another zip, a folder (site-packages, a build tree, the root of a container), or a file. Names are
those inside the archive or below the folder: the service matches them with a crash's paths by their ends.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import zipfile
from typing import IO, Callable, Dict, Iterator, List, NamedTuple, Optional, Set

from ._elf_file import ElfFile, read_elf_file

_ARCHIVES = (".whl", ".zip", ".egg", ".pyz")
_PRUNED = frozenset((".git", ".hg", ".svn", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox"))
_NOT_OF_A_ROOT = frozenset(("proc", "sys", "dev", "run"))
_SMALLEST_ELF = 256
MAX_MEMBER_BYTES = 2 << 30
"""A member of an archive is read whole; larger ones are left out."""
MAX_PYTHON_BYTES = 16 << 20


class Found(NamedTuple):
    """One file. `name` has forward slashes and no leading one."""

    name: str
    size: int
    open: Callable[[], "IO[bytes]"]
    place: Optional[str]
    """Its path, where it is a file of its own."""

    def read(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

    def sha256(self) -> str:
        """Hex, read in pieces."""
        digest = hashlib.sha256()
        with self.open() as file:
            while True:
                piece = file.read(1 << 20)
                if not piece:
                    return digest.hexdigest()
                digest.update(piece)


class Native(NamedTuple):
    """An ELF file and what is known of it."""

    file: Found
    elf: ElfFile


class Inventory:
    """Everything found, by kind."""

    def __init__(self) -> None:
        self.sources: Dict[str, Found] = {}
        self.compiled: Dict[str, Found] = {}
        self.natives: List[Native] = []
        self.trouble: List[str] = []
        self._seen: Set[str] = set()

    def add_path(self, path: str) -> None:
        """Raises OSError when there is nothing at `path`."""
        if os.path.isdir(path):
            for found in _files_below(path):
                self.add(found)
        elif path.lower().endswith(_ARCHIVES):
            self._add_archive(path)
        else:
            self.add(_plain(path, os.path.basename(path)))

    def _add_archive(self, path: str) -> None:
        try:
            for found in _members(path):
                self.add(found)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            self.trouble.append(f"{path}: {error}")

    def add(self, found: Found) -> None:
        """By its name, or by its first bytes."""
        lower = found.name.lower()
        try:
            if lower.endswith(".py"):
                if found.size <= MAX_PYTHON_BYTES:
                    self.sources.setdefault(found.name, found)
            elif lower.endswith((".pyc", ".pyo")):
                if found.size <= MAX_PYTHON_BYTES:
                    self.compiled.setdefault(found.name, found)
            elif lower.endswith((".whl", ".egg", ".pyz")) and found.place is not None:
                self._add_archive(found.place)
            elif found.size >= _SMALLEST_ELF:
                self._add_native(found)
        except OSError as error:
            self.trouble.append(f"{found.name}: {error.strerror or error}")

    def _add_native(self, found: Found) -> None:
        with found.open() as file:
            if file.read(4) != b"\x7fELF":
                return
        elf = read_elf(found)
        if elf is None:
            return
        key = f"{elf.build_id}:{elf.has_code}:{elf.has_debug_info}:{found.size}" if elf.build_id else found.name
        if key not in self._seen:
            self._seen.add(key)
            self.natives.append(Native(found, elf))

    def source_of(self, compiled: str) -> str:
        """`app/__pycache__/jobs.cpython-312.pyc` → `app/jobs.py`."""
        folder, _, name = compiled.rpartition("/")
        stem = name.rsplit(".", 1)[0]
        if folder == "__pycache__" or folder.endswith("/__pycache__"):
            folder = folder[: -len("__pycache__")].rstrip("/")
            stem = stem.split(".", 1)[0]
        return f"{folder}/{stem}.py" if folder else f"{stem}.py"


def read_elf(found: Found) -> Optional[ElfFile]:
    if found.place is None:
        return read_elf_file(found.read())
    with open(found.place, "rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            return None
        with data:
            return read_elf_file(data)


def plain_file(path: str, name: str) -> Found:
    """A file outside of the given paths. Raises OSError."""
    return _plain(path, name)


def _plain(path: str, name: str) -> Found:
    return Found(name, os.stat(path).st_size, lambda: open(path, "rb"), path)


def _files_below(root: str) -> Iterator[Found]:
    is_root = os.path.isdir(os.path.join(root, "usr")) and os.path.isdir(os.path.join(root, "etc"))
    for folder, folders, names in os.walk(root):
        top = os.path.samefile(folder, root)
        folders[:] = sorted(
            name for name in folders if name not in _PRUNED and not (top and is_root and name in _NOT_OF_A_ROOT)
        )
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            relative = os.path.relpath(path, root).replace(os.sep, "/")
            try:
                yield _plain(path, relative)
            except OSError:
                continue


def _members(path: str) -> Iterator[Found]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir() or member.file_size > MAX_MEMBER_BYTES or ".." in member.filename.split("/"):
                continue
            yield Found(member.filename.lstrip("/"), member.file_size, _opener(path, member.filename), None)


def _opener(path: str, member: str) -> Callable[[], "IO[bytes]"]:
    def open_member() -> "IO[bytes]":
        with zipfile.ZipFile(path) as archive:
            return io.BytesIO(archive.read(member))

    return open_member
