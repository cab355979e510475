"""The objects mapped in a process: found in its maps, identified by what is in its memory."""

from __future__ import annotations

import os
import struct
from typing import List, NamedTuple, Optional

from ._elf import Image, build_id, image_end, read_image
from ._limits import MAX_MODULES
from ._maps import Mapping, Maps
from ._memory import Memory

VDSO_NAME = "linux-gate.so"
"""What Breakpad calls [vdso]."""


class Module(NamedTuple):
    """One object. `build_id` is empty where it has none and none could be made up."""

    base: int
    size: int
    path: str
    build_id: bytes
    image: Image

    @property
    def name(self) -> str:
        """The last part of the path."""
        return os.path.basename(self.path)

    @property
    def debug_id(self) -> str:
        """Breakpad's form: 16 bytes of the build id as a GUID, and the age 0."""
        if not self.build_id:
            return ""
        first, second, third = struct.unpack("<IHH", self.build_id[:16].ljust(16, b"\0")[:8])
        rest = self.build_id[:16].ljust(16, b"\0")[8:].hex().upper()
        return f"{first:08X}{second:04X}{third:04X}{rest}0"


def find_modules(memory: Memory, maps: Maps, main_address: int) -> List[Module]:
    """The object that holds `main_address` comes first: readers take the first for the program."""
    found: List[Module] = []
    for group in _groups(maps):
        if len(found) == MAX_MODULES:
            break
        module = _identify(memory, group)
        if module is not None:
            found.append(module)
    found.sort(key=lambda module: (not module.base <= main_address < module.base + module.size, module.base))
    return found


def _groups(maps: Maps) -> List[List[Mapping]]:
    """Mappings of one file that belong together: the next one begins where its first bytes are mapped again."""
    groups: List[List[Mapping]] = []
    for mapping in maps:
        if mapping.path == "[vdso]":
            groups.append([mapping])
        elif not mapping.path.startswith("/") or mapping.path.startswith(("/dev/", "/memfd:")):
            continue
        elif (groups and groups[-1][0].path == mapping.path and mapping.offset != 0) or (
            groups and groups[-1][0].path == mapping.path and not groups[-1][0].readable
        ):
            groups[-1].append(mapping)
        else:
            groups.append([mapping])
    return groups


def _identify(memory: Memory, group: List[Mapping]) -> Optional[Module]:
    if not any(mapping.executable for mapping in group):
        return None
    base = group[0].start
    image = read_image(memory, base)
    if image is None:
        return None
    path = VDSO_NAME if group[0].path == "[vdso]" else group[0].path
    identifier = build_id(memory, image) or text_identifier(path)
    return Module(base, max(group[-1].end, image_end(image)) - base, path, identifier, image)


def text_identifier(path: str) -> bytes:
    """What Breakpad makes up for a file without a build id: the first 4096 bytes of .text, folded into 16."""
    try:
        with open(path, "rb") as file:
            header = file.read(64)
            (table,) = struct.unpack_from("<Q", header, 40)
            size, count, names_index = struct.unpack_from("<HHH", header, 58)
            file.seek(table)
            sections = file.read(size * min(count, 1024))
            _, names_at, names_size = _section(sections, size, names_index)
            file.seek(names_at)
            names = file.read(min(names_size, 1 << 20))
            for index in range(len(sections) // size):
                name_at, offset, length = _section(sections, size, index)
                if names[name_at : name_at + 6] == b".text\0":
                    file.seek(offset)
                    return _fold(file.read(min(length, 4096)))
    except (OSError, ValueError, OverflowError, struct.error, ZeroDivisionError):
        pass
    return b""


def _section(table: bytes, size: int, index: int) -> "tuple[int, int, int]":
    name, _kind, _flags, _address, offset, length = struct.unpack_from("<IIQQQQ", table, size * index)
    return name, offset, length


def _fold(text: bytes) -> bytes:
    value = 0
    for at in range(0, len(text), 16):
        value ^= int.from_bytes(text[at : at + 16].ljust(16, b"\0"), "big")
    return value.to_bytes(16, "big")
