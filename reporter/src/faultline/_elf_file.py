"""
ELF files on disk, by their section headers: which symbols are in them, and which files complete them.

System V ABI, chapter 4; `.gnu_debuglink` as GDB documents it ("Debugging Information in Separate Files"),
`.gnu_debugaltlink` as dwz(1) writes it. Both byte orders are refused but little; 32-bit files are not looked at.
"""

from __future__ import annotations

import mmap
import struct
from typing import Dict, NamedTuple, Optional, Tuple, Union

from ._elf import NT_GNU_BUILD_ID, find_note

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
_SHT_NOTE, _SHT_NOBITS = 7, 8
_MAX_SECTIONS = 4096
_MAX_LINK_BYTES = 4096

Bytes = Union[bytes, mmap.mmap]


class ElfFile(NamedTuple):
    """What a symbol server wants to know of a file."""

    kind: int
    machine: int
    build_id: str
    """Hex; empty without one."""
    has_debug_info: bool
    has_symbols: bool
    """.symtab: names of static functions too."""
    has_code: bool
    debug_link: str
    """Name of the file with the debug information; empty without one."""
    alternate: str
    """Build id, hex, of the file that dwz moved common parts into."""


def read_elf_file(data: Bytes) -> Optional[ElfFile]:
    """None for what is no object or debug file (relocatable objects, cores, 32-bit, damaged)."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        return None
    kind, machine = struct.unpack_from("<HH", data, 16)
    if kind not in (ET_EXEC, ET_DYN):
        return None
    sections = _sections(data)
    info = sections.get(".debug_info") or sections.get(".zdebug_info")
    code = sections.get(".text")
    link = _content(data, sections.get(".gnu_debuglink")).partition(b"\0")[0]
    return ElfFile(
        kind=kind,
        machine=machine,
        build_id=_build_id(data, sections),
        has_debug_info=info is not None and info[0] != _SHT_NOBITS,
        has_symbols=".symtab" in sections and sections[".symtab"][0] != _SHT_NOBITS,
        has_code=code is not None and code[0] != _SHT_NOBITS,
        debug_link=link.decode("utf-8", "replace"),
        alternate=_content(data, sections.get(".gnu_debugaltlink")).partition(b"\0")[2].hex(),
    )


_Section = Tuple[int, int, int]


def _sections(data: Bytes) -> Dict[str, _Section]:
    """Name → type, offset, size."""
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names_index = struct.unpack_from("<HHH", data, 58)
    if count > _MAX_SECTIONS or size < 64 or names_index >= count or table + size * count > len(data):
        return {}
    rows = [struct.unpack_from("<IIQQQQ", data, table + size * index) for index in range(count)]
    names = bytes(data[rows[names_index][4] : rows[names_index][4] + rows[names_index][5]])
    found: Dict[str, _Section] = {}
    for name_at, kind, _, _, offset, length in rows:
        name = names[name_at : name_at + 64].partition(b"\0")[0].decode("ascii", "replace")
        found.setdefault(name, (kind, offset, length))
    return found


def _content(data: Bytes, section: Optional[_Section]) -> bytes:
    if section is None or section[0] == _SHT_NOBITS:
        return b""
    return bytes(data[section[1] : section[1] + min(section[2], _MAX_LINK_BYTES)])


def _build_id(data: Bytes, sections: Dict[str, _Section]) -> str:
    for section in sections.values():
        if section[0] == _SHT_NOTE:
            found = find_note(_content(data, section), b"GNU\0", NT_GNU_BUILD_ID)
            if found:
                return found.hex()
    return ""
