"""
ELF images as the loader left them in memory: build id, dynamic section, symbols by the GNU hash table.

System V ABI, chapters 4 and 5; DT_GNU_HASH as glibc's elf/dl-lookup.c reads it. 64-bit little endian only, which is
all the reporter runs on. Section headers are not looked at: memory does not hold them.
"""

from __future__ import annotations

import struct
from typing import Dict, List, NamedTuple, Optional

from ._memory import Memory

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
NT_GNU_BUILD_ID = 3
DT_STRTAB, DT_SYMTAB, DT_GNU_HASH, DT_DEBUG = 5, 6, 0x6FFFFEF5, 21
_MAX_PROGRAM_HEADERS = 64
_MAX_NOTE_BYTES = 64 * 1024
_MAX_DYNAMIC_ENTRIES = 256
_MAX_CHAIN = 4096
_MAX_NAME = 256


class ProgramHeader(NamedTuple):
    """Elf64_Phdr, without what nobody here asks for."""

    kind: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int


class Image(NamedTuple):
    """One object in memory. `bias`: what is added to its own addresses."""

    base: int
    bias: int
    machine: int
    headers: List[ProgramHeader]


def read_image(memory: Memory, base: int) -> Optional[Image]:
    """None where there is no ELF image at `base`."""
    header = memory.exact(base, 64)
    if header is None or header[:6] != b"\x7fELF\x02\x01":
        return None
    (machine,) = struct.unpack_from("<H", header, 18)
    (offset,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    if size != 56 or count > _MAX_PROGRAM_HEADERS:
        return None
    table = memory.exact(base + offset, size * count)
    if table is None:
        return None
    headers = [
        ProgramHeader(kind, flags, offset, vaddr, filesz, memsz)
        for kind, flags, offset, vaddr, _, filesz, memsz, _ in struct.iter_unpack("<IIQQQQQQ", table)
    ]
    loads = [header for header in headers if header.kind == PT_LOAD]
    if not loads:
        return None
    first = min(loads, key=lambda header: header.vaddr)
    return Image(base, base - (first.vaddr - first.offset), machine, headers)


def image_end(image: Image) -> int:
    """Where its last page ends: behind what the file holds lie its zeroes (.bss), mapped without a name."""
    last = max(header.vaddr + header.memsz for header in image.headers if header.kind == PT_LOAD)
    return image.bias + (last + 4095) // 4096 * 4096


def build_id(memory: Memory, image: Image) -> bytes:
    """From the notes; empty when there is none."""
    for header in image.headers:
        if header.kind == PT_NOTE:
            size = min(header.filesz, _MAX_NOTE_BYTES)
            found = find_note(memory.read(image.bias + header.vaddr, size), b"GNU\0", NT_GNU_BUILD_ID)
            if found:
                return found
    return b""


def find_note(notes: bytes, owner: bytes, kind: int) -> bytes:
    """The descriptor of the first note of that owner and kind; empty without one."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, found = struct.unpack_from("<III", notes, at)
        name_at = at + 12
        data_at = name_at + (name_size + 3) // 4 * 4
        if data_at + size > len(notes):
            break
        if found == kind and notes[name_at : name_at + name_size] == owner:
            return notes[data_at : data_at + size]
        at = data_at + (size + 3) // 4 * 4
    return b""


def dynamic_section(memory: Memory, image: Image) -> Dict[int, int]:
    """Tag → value of PT_DYNAMIC."""
    for header in image.headers:
        if header.kind != PT_DYNAMIC:
            continue
        raw = memory.read(image.bias + header.vaddr, min(header.memsz, 16 * _MAX_DYNAMIC_ENTRIES))
        entries: Dict[int, int] = {}
        for tag, value in struct.iter_unpack("<QQ", raw[: len(raw) // 16 * 16]):
            if tag == 0:
                break
            entries.setdefault(tag, value)
        return entries
    return {}


def find_symbol(memory: Memory, image: Image, name: bytes) -> Optional[int]:
    """
    The address of an exported symbol.

    The loader of glibc relocates the pointers in a dynamic section in place, musl's does not: one below the bias
    is taken to be unrelocated.
    """
    dynamic = dynamic_section(memory, image)

    def pointer(tag: int) -> int:
        value = dynamic.get(tag, 0)
        return value + image.bias if value and value < image.bias else value

    table, symbols, strings = pointer(DT_GNU_HASH), pointer(DT_SYMTAB), pointer(DT_STRTAB)
    if not table or not symbols or not strings:
        return None
    for index in _hash_candidates(memory, table, name):
        entry = memory.exact(symbols + 24 * index, 24)
        if entry is None:
            return None
        name_at, _info, _other, section, value = struct.unpack_from("<IBBHQ", entry)
        if section and memory.read(strings + name_at, len(name) + 1) == name + b"\0":
            return int(value) + image.bias
    return None


def gnu_hash(name: bytes) -> int:
    """The hash of DT_GNU_HASH."""
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _hash_candidates(memory: Memory, table: int, name: bytes) -> List[int]:
    head = memory.exact(table, 16)
    if head is None:
        return []
    buckets, first, bloom_words, _shift = struct.unpack("<IIII", head)
    if buckets == 0:
        return []
    bucket_at = table + 16 + 8 * bloom_words
    wanted = gnu_hash(name)
    raw = memory.exact(bucket_at + 4 * (wanted % buckets), 4)
    index = 0 if raw is None else int.from_bytes(raw, "little")
    found: List[int] = []
    for _ in range(_MAX_CHAIN):
        if index < first:
            break
        raw = memory.exact(bucket_at + 4 * buckets + 4 * (index - first), 4)
        if raw is None:
            break
        value = int.from_bytes(raw, "little")
        if value | 1 == wanted | 1:
            found.append(index)
        if value & 1:
            break
        index += 1
    return found


def read_cstring(memory: Memory, address: int, limit: int = _MAX_NAME) -> bytes:
    """Up to the NUL, or `limit` bytes."""
    return memory.read(address, limit).partition(b"\0")[0] if address else b""
