"""
Finds the debug files of ELF files: by build id wherever it can be, else by the name in `.gnu_debuglink`.

The places are those of GDB: `.build-id/xx/yyyy.debug` below a debug folder, and for links the file's own folder,
`.debug/` beside it, and the same path below a debug folder.
"""

from __future__ import annotations

import os
from typing import Dict, Iterator, List, Optional

from ._elf_file import ElfFile
from ._symbol_files import Found, Native, plain_file, read_elf

SYSTEM_DEBUG = "/usr/lib/debug"


class DebugFiles:
    """`natives`: those found below the paths; `folders`: where else to look."""

    def __init__(self, natives: List[Native], folders: List[str]) -> None:
        self._folders = [*folders, SYSTEM_DEBUG]
        self._by_id: Dict[str, Native] = {}
        for native in natives:
            if native.elf.build_id and native.elf.has_debug_info:
                self._by_id.setdefault(native.elf.build_id, native)

    def of(self, native: Native) -> Optional[Native]:
        """The file with its debug information: itself where it has it; None when there is none."""
        if native.elf.has_debug_info:
            return native
        build_id = native.elf.build_id
        if build_id in self._by_id:
            return self._by_id[build_id]
        for path in [*self._by_build_id(build_id), *self._by_link(native)]:
            found = _debug_file_at(path, build_id)
            if found is not None:
                self._by_id[build_id] = found
                return found
        return None

    def alternate_of(self, elf: ElfFile) -> Optional[Native]:
        """The file that dwz moved common parts into."""
        if not elf.alternate:
            return None
        if elf.alternate in self._by_id:
            return self._by_id[elf.alternate]
        for path in self._by_build_id(elf.alternate):
            found = _debug_file_at(path, elf.alternate)
            if found is not None:
                return found
        return None

    def package_of(self, native: Native) -> Optional[Found]:
        """`FILE.dwp` beside it, where debug information is split (DWARF 5, appendix F)."""
        if native.file.place is None:
            return None
        try:
            return plain_file(native.file.place + ".dwp", native.file.name + ".dwp")
        except OSError:
            return None

    def _by_build_id(self, build_id: str) -> Iterator[str]:
        if len(build_id) > 2:
            for folder in self._folders:
                yield os.path.join(folder, ".build-id", build_id[:2], f"{build_id[2:]}.debug")

    def _by_link(self, native: Native) -> Iterator[str]:
        link, place = os.path.basename(native.elf.debug_link), native.file.place
        if not link or place is None:
            return
        folder = os.path.dirname(os.path.abspath(place))
        yield os.path.join(folder, link)
        yield os.path.join(folder, ".debug", link)
        for debug in self._folders:
            yield os.path.join(debug, folder.lstrip("/"), link)
            yield os.path.join(debug, link)


def _debug_file_at(path: str, build_id: str) -> Optional[Native]:
    """None where there is no file, or one of another build."""
    try:
        found = plain_file(path, f"debug/{build_id or os.path.basename(path)}/{os.path.basename(path)}")
        elf = read_elf(found)
    except OSError:
        return None
    if elf is None or (build_id and elf.build_id != build_id):
        return None
    return Native(found, elf)
