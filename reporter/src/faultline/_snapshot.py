"""What was captured of a process, however it was captured: the one thing the dump is written from."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional

from ._cpu import Cpu, Registers
from ._maps import Maps
from ._memory import Range
from ._modules import Module
from ._procfs import ProcessTimes
from ._python_stacks import PythonThread, Runtime


class Thread(NamedTuple):
    """One thread. `registers` is None where they could not be had; `stack` starts at or below its stack pointer."""

    tid: int
    name: str
    registers: Optional[Registers]
    stack: Optional[Range]


class Cause(NamedTuple):
    """Why the process died. `code` and `address` are the kernel's where a core told them, else worked out."""

    tid: int
    signal: int
    code: int
    address: int
    reconstructed: bool = True


class Snapshot(NamedTuple):
    """All of it, read while the process stood still."""

    pid: int
    cpu: Cpu
    cause: Cause
    threads: List[Thread]
    memory: List[Range]
    """Beside the stacks; may overlap them and each other."""
    maps: Maps
    modules: List[Module]
    times: ProcessTimes
    files: Dict[int, bytes]
    """Stream type → a file of /proc as it was."""
    annotations: Dict[str, str]
    auxv: Dict[int, int]
    dso: Optional["DsoDebug"]
    python_threads: List[PythonThread]
    runtime: Optional[Runtime]
    errors: List[str]


class DsoDebug(NamedTuple):
    """The loader's list (r_debug of link.h)."""

    version: int
    brk: int
    ldbase: int
    dynamic_address: int
    dynamic: bytes
    links: List["Link"]


class Link(NamedTuple):
    """struct link_map."""

    address: int
    name: str
    dynamic: int
