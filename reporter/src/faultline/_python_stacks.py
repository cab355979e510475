"""
Walks the Python stacks of a process in its memory: every interpreter, thread state, frame, and what names the frame.

The dump keeps exactly the ranges that this walk reads (RecordingMemory), so that whoever reads the dump can walk the
same way. No locals and no other objects are read: thread states, the heads of frames and code objects, file names,
names and line tables.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from ._elf import find_symbol
from ._limits import (
    MAX_INTERPRETERS,
    MAX_LINE_TABLE_BYTES,
    MAX_PYTHON_FRAMES,
    MAX_PYTHON_STRING_BYTES,
    MAX_PYTHON_THREADS,
)
from ._memory import Memory
from ._modules import Module
from ._python_layout import Layout, layout_of

_PYTHON_NAME = re.compile(r"^(?:libpython|python)(3)\.(\d{1,2})")
_POINTER_TAGS = 7
_SHIM_OWNER = 3


class Runtime(NamedTuple):
    """`_PyRuntime` of a process."""

    address: int
    version: Tuple[int, int]


class PythonFrame(NamedTuple):
    """Innermost first. `file` and `name` are empty where they could not be read."""

    file: str
    name: str


class PythonThread(NamedTuple):
    """`ident` is what faulthandler prints; `native_id` the kernel's thread id, where CPython keeps it."""

    ident: int
    native_id: Optional[int]
    frames: List[PythonFrame]


Codes = Dict[int, PythonFrame]
"""By the address of the code object: a program runs few of them in many frames."""


def find_runtime(memory: Memory, modules: Iterable[Module], hint: Optional[Tuple[int, int]]) -> Optional[Runtime]:
    """`hint`: the version, where the process told it; else it is taken from the module's name."""
    candidates = sorted(modules, key=lambda module: "libpython" not in module.name)
    for module in candidates[:1] + [one for one in candidates[1:] if "python" in one.name]:
        match = _PYTHON_NAME.match(module.name)
        version = hint or ((3, int(match.group(2))) if match else None)
        if version is None:
            continue
        address = find_symbol(memory, module.image, b"_PyRuntime")
        if address is not None:
            return Runtime(address, version)
    return None


def walk(memory: Memory, runtime: Runtime) -> Optional[List[PythonThread]]:
    """None when this version's layout is not known, or `_PyRuntime` does not look like it."""
    layout = layout_of(memory, runtime.address, runtime.version)
    if layout is None:
        return None
    codes: Codes = {}
    first = memory.word(runtime.address + layout.interpreters) or 0
    if layout.runtime_collecting is not None:
        memory.int32(runtime.address + layout.runtime_collecting)
    threads: List[PythonThread] = []
    for interpreter in _chain(memory, first, layout.interpreter_next, MAX_INTERPRETERS):
        head = memory.word(interpreter + layout.interpreter_threads) or 0
        if layout.interpreter_collecting is not None:
            memory.int32(interpreter + layout.interpreter_collecting)
        for state in _chain(memory, head, layout.thread_next, MAX_PYTHON_THREADS):
            if len(threads) < MAX_PYTHON_THREADS:
                threads.append(_read_thread(memory, layout, state, codes))
    return threads


def _chain(memory: Memory, first: int, next_at: int, limit: int) -> Iterator[int]:
    seen: Set[int] = set()
    while first and first not in seen and len(seen) < limit:
        seen.add(first)
        yield first
        first = memory.word(first + next_at) or 0


def _read_thread(memory: Memory, layout: Layout, state: int, codes: Codes) -> PythonThread:
    memory.word(state + layout.thread_interpreter)
    ident = memory.word(state + layout.thread_ident) or 0
    native = layout.thread_native_id
    native_id = None if native is None else memory.word(state + native)
    if layout.thread_frame is not None:
        top = memory.word(state + layout.thread_frame) or 0
    else:
        cframe = memory.word(state + (layout.thread_cframe or 0)) or 0
        top = memory.word(cframe + layout.cframe_frame) or 0 if cframe else 0
    frames: List[PythonFrame] = []
    seen: Set[int] = set()
    while top and top not in seen and len(seen) < MAX_PYTHON_FRAMES:
        seen.add(top)
        head = memory.read(top, layout.frame_head)
        if len(head) < layout.frame_head:
            break
        frame = _read_frame(memory, layout, head, codes)
        if frame is not None:
            frames.append(frame)
        top = _word_in(head, layout.frame_previous)
    return PythonThread(ident, native_id, frames)


def _word_in(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _read_frame(memory: Memory, layout: Layout, head: bytes, codes: Codes) -> Optional[PythonFrame]:
    """None for a shim: no Python frame, but the mark where C entered Python (3.12 and later)."""
    owner = layout.frame_owner
    if owner is not None and layout.version >= (3, 12) and head[owner] >= _SHIM_OWNER:
        return None
    code = _word_in(head, layout.frame_code)
    if layout.tagged_code:
        code &= ~_POINTER_TAGS
    if code in codes and layout.code_tlbc is None:
        return codes[code]
    frame = codes[code] = _read_code(memory, layout, head, code)
    return frame


def _read_code(memory: Memory, layout: Layout, head: bytes, code: int) -> PythonFrame:
    data = memory.read(code, layout.code_head)
    if len(data) < layout.code_head:
        return PythonFrame("", "")
    if layout.code_qualname is not None:
        _read_str(memory, layout, _word_in(data, layout.code_qualname))
    _read_bytes(memory, layout, _word_in(data, layout.code_linetable))
    _read_thread_bytecode(memory, layout, head, data)
    return PythonFrame(
        _read_str(memory, layout, _word_in(data, layout.code_filename)),
        _read_str(memory, layout, _word_in(data, layout.code_name)),
    )


def _read_thread_bytecode(memory: Memory, layout: Layout, frame: bytes, code: bytes) -> None:
    """Records the entry that tells where this thread's copy of the bytecode begins."""
    if layout.code_tlbc is None or layout.frame_tlbc_index is None:
        return
    at = layout.frame_tlbc_index
    index = int.from_bytes(frame[at : at + 4], "little")
    table = _word_in(code, layout.code_tlbc)
    if table and 0 <= index < 1 << 16:
        memory.word(table)
        memory.word(table + 8 + 8 * index)


def _read_bytes(memory: Memory, layout: Layout, address: int) -> bytes:
    size = memory.word(address + layout.bytes_size) or 0 if address else 0
    if not 0 < size <= MAX_LINE_TABLE_BYTES:
        return b""
    return memory.read(address, layout.bytes_data + size)[layout.bytes_data :]


_DECODERS: "dict[int, Callable[[bytes], str]]" = {
    1: lambda data: data.decode("latin-1"),
    2: lambda data: data.decode("utf-16-le", "replace"),
    4: lambda data: data.decode("utf-32-le", "replace"),
}


def _read_str(memory: Memory, layout: Layout, address: int) -> str:
    """A compact str (PEP 393); empty for what does not look like one. Not a byte beyond it is read."""
    if not address:
        return ""
    head = memory.read(address, layout.str_ascii)
    if len(head) < layout.str_ascii:
        return ""
    length = _word_in(head, layout.str_length)
    state = int.from_bytes(head[layout.str_state : layout.str_state + 4], "little")
    kind = state >> layout.str_kind_shift & 7
    is_ascii = state >> layout.str_kind_shift + 4 & 1
    data_at = layout.str_ascii if is_ascii else layout.str_compact
    size = length * (1 if is_ascii else kind)
    if kind not in _DECODERS or not 0 <= size <= MAX_PYTHON_STRING_BYTES:
        return ""
    data = memory.read(address + data_at, size)
    return _DECODERS[1 if is_ascii else kind](data)
