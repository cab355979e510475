"""
Where CPython keeps its stacks: offsets into its structures, by version, for 64-bit release builds.

3.8 - 3.12: offsetof() of the real headers (Include/internal/pycore_*.h). 3.13 and later say them themselves:
`_Py_DebugOffsets` at the start of `_PyRuntime` (Include/internal/pycore_debug_offsets.h), read here field by field.
Left out: debug builds before 3.13 (their objects are longer), PyPy, 32-bit.
"""

from __future__ import annotations

import struct
from typing import Dict, List, NamedTuple, Optional, Tuple

from ._memory import Memory


class Layout(NamedTuple):
    """All offsets are bytes; None where a version has no such thing."""

    version: Tuple[int, int]
    interpreters: int
    """First interpreter, from `_PyRuntime`."""
    interpreter_next: int
    interpreter_threads: int
    thread_next: int
    thread_interpreter: int
    thread_ident: int
    thread_native_id: Optional[int]
    thread_frame: Optional[int]
    """Top frame, from the thread state..."""
    thread_cframe: Optional[int]
    """...or the `_PyCFrame` that holds it..."""
    cframe_frame: int
    """...here (3.11, 3.12)."""
    frame_previous: int
    frame_code: int
    frame_instruction: int
    frame_owner: Optional[int]
    frame_head: int
    """Bytes of a frame that a reader wants."""
    code_filename: int
    code_name: int
    code_qualname: Optional[int]
    code_linetable: int
    code_firstlineno: int
    code_head: int
    """Bytes of a code object that a reader wants."""
    str_length: int = 16
    str_state: int = 32
    str_ascii: int = 48
    str_compact: int = 72
    str_kind_shift: int = 2
    bytes_size: int = 16
    bytes_data: int = 32
    tagged_code: bool = False
    """The frame's reference to its code has flags in its low bits (3.14 and later)."""
    interpreter_collecting: Optional[int] = None
    """Whether garbage is being collected: of the interpreter..."""
    runtime_collecting: Optional[int] = None
    """...or, in 3.8, of the whole process."""
    code_tlbc: Optional[int] = None
    """Thread-local copies of the bytecode (free-threaded 3.14 and later)."""
    frame_tlbc_index: Optional[int] = None


_38 = Layout(
    version=(3, 8),
    interpreters=32,
    interpreter_next=0,
    interpreter_threads=8,
    thread_next=8,
    thread_interpreter=16,
    thread_ident=176,
    thread_native_id=None,
    thread_frame=24,
    thread_cframe=None,
    cframe_frame=0,
    frame_previous=24,
    frame_code=32,
    frame_instruction=104,
    frame_owner=None,
    frame_head=112,
    code_filename=104,
    code_name=112,
    code_qualname=None,
    code_linetable=120,
    code_firstlineno=40,
    code_head=128,
    runtime_collecting=544,
)
_39 = _38._replace(version=(3, 9), runtime_collecting=None, interpreter_collecting=816)
_310 = _39._replace(version=(3, 10), frame_instruction=96)
_311 = Layout(
    version=(3, 11),
    interpreters=40,
    interpreter_next=0,
    interpreter_threads=16,
    thread_next=8,
    thread_interpreter=16,
    thread_ident=152,
    thread_native_id=160,
    thread_frame=None,
    thread_cframe=56,
    cframe_frame=8,
    frame_previous=48,
    frame_code=32,
    frame_instruction=56,
    frame_owner=69,
    frame_head=80,
    code_filename=112,
    code_name=120,
    code_qualname=128,
    code_linetable=136,
    code_firstlineno=72,
    code_head=184,
    interpreter_collecting=848,
)
_312 = _311._replace(
    version=(3, 12),
    interpreter_threads=72,
    interpreter_collecting=312,
    thread_ident=136,
    thread_native_id=144,
    cframe_frame=0,
    frame_previous=8,
    frame_code=0,
    frame_owner=70,
    code_firstlineno=68,
    code_head=192,
    str_ascii=40,
    str_compact=56,
)

FIXED = {8: _38, 9: _39, 10: _310, 11: _311, 12: _312}

COOKIE = b"xdebugpy"
_Groups = Dict[str, str]

_313: _Groups = {
    "runtime": "size finalizing interpreters_head",
    "interpreter": "size id next threads_head gc imports_modules sysdict builtins ceval_gil "
    "gil_runtime_state gil_enabled gil_locked gil_holder",
    "thread": "size prev next interp current_frame thread_id native_thread_id datastack_chunk status",
    "frame": "size previous executable instr_ptr localsplus owner",
    "code": "size filename name qualname linetable firstlineno argcount localsplusnames "
    "localspluskinds co_code_adaptive",
    "object": "size ob_type",
    "type": "size tp_name tp_repr tp_flags",
    "tuple": "size ob_item ob_size",
    "list": "size ob_item ob_size",
    "dict": "size ma_keys ma_values",
    "float": "size ob_fval",
    "long": "size lv_tag ob_digit",
    "bytes": "size ob_size ob_sval",
    "unicode": "size state length asciiobject_size",
    "gc": "size collecting",
}


def _changed(groups: _Groups, before: Dict[str, Tuple[str, str]], **changes: str) -> _Groups:
    """`before`: new groups, each with the name of the one it stands in front of."""
    new: _Groups = {}
    for name, fields in groups.items():
        for added, (at, added_fields) in before.items():
            if at == name:
                new[added] = added_fields
        new[name] = changes.get(name, fields)
    return new


_314 = _changed(
    _313,
    {"set": ("dict", "size used table mask")},
    interpreter="size id next threads_head threads_main gc imports_modules sysdict builtins "
    "ceval_gil gil_runtime_state gil_enabled gil_locked gil_holder code_object_generation "
    "tlbc_generation",
    frame="size previous executable instr_ptr localsplus owner stackpointer tlbc_index",
    code=_313["code"] + " co_tlbc",
)
_315 = _changed(
    _314,
    {"err_stackitem": ("frame", "exc_value"), "heap_type": ("tuple", "size ht_cached_keys")},
    thread="size prev next interp current_frame base_frame last_profiled_frame "
    "last_profiled_frame_seq thread_id native_thread_id datastack_chunk status holds_gil "
    "gil_requested current_exception exc_state",
    type="size tp_name tp_repr tp_flags tp_basicsize tp_dictoffset",
    unicode="size state length asciiobject_size compactunicodeobject_size",
)
SELF_DESCRIBED = {13: _313, 14: _314, 15: _315}


def layout_of(memory: Memory, runtime: int, version: Tuple[int, int]) -> Optional[Layout]:
    """`runtime`: the address of `_PyRuntime`. None for a version whose layout is not known: skip, never guess."""
    major, minor = version
    if major != 3:
        return None
    if minor in FIXED:
        return FIXED[minor]
    if minor not in SELF_DESCRIBED:
        return None
    return _read_self_description(memory, runtime, minor)


def _read_self_description(memory: Memory, runtime: int, minor: int) -> Optional[Layout]:
    groups = SELF_DESCRIBED[minor]
    names = [f"{group}.{field}" for group, fields in groups.items() for field in fields.split()]
    raw = memory.exact(runtime, 24 + 8 * len(names))
    if raw is None or raw[:8] != COOKIE:
        return None
    written, free_threaded = struct.unpack_from("<QQ", raw, 8)
    if written >> 16 != 0x0300 | minor:
        return None
    values: List[int] = list(struct.unpack_from(f"<{len(names)}Q", raw, 24))
    at = dict(zip(names, values))
    if any(value > 1 << 20 for value in values):
        return None
    compact = at.get("unicode.compactunicodeobject_size", at["unicode.asciiobject_size"] + 16)
    return Layout(
        version=(3, minor),
        interpreters=at["runtime.interpreters_head"],
        interpreter_next=at["interpreter.next"],
        interpreter_threads=at["interpreter.threads_head"],
        thread_next=at["thread.next"],
        thread_interpreter=at["thread.interp"],
        thread_ident=at["thread.thread_id"],
        thread_native_id=at["thread.native_thread_id"],
        thread_frame=at["thread.current_frame"],
        thread_cframe=None,
        cframe_frame=0,
        frame_previous=at["frame.previous"],
        frame_code=at["frame.executable"],
        frame_instruction=at["frame.instr_ptr"],
        frame_owner=at["frame.owner"],
        frame_head=min(at["frame.size"], 112),
        code_filename=at["code.filename"],
        code_name=at["code.name"],
        code_qualname=at["code.qualname"],
        code_linetable=at["code.linetable"],
        code_firstlineno=at["code.firstlineno"],
        code_head=min(at["code.co_code_adaptive"], 512),
        str_length=at["unicode.length"],
        str_state=at["unicode.state"],
        str_ascii=at["unicode.asciiobject_size"],
        str_compact=compact,
        str_kind_shift=8 if free_threaded and minor >= 14 else 2,
        bytes_size=at["bytes.ob_size"],
        bytes_data=at["bytes.ob_sval"],
        tagged_code=minor >= 14,
        interpreter_collecting=at["interpreter.gc"] + at["gc.collecting"],
        code_tlbc=at.get("code.co_tlbc") if free_threaded else None,
        frame_tlbc_index=at.get("frame.tlbc_index") if free_threaded else None,
    )
