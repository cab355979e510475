"""Captures a process that stands still: registers, stacks, modules, Python stacks → a Snapshot."""

from __future__ import annotations

import os
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple, TypeVar

from . import _procfs as procfs
from ._cpu import Cpu, Registers, SignalFrame
from ._elf import DT_DEBUG, PT_DYNAMIC, dynamic_section, read_cstring
from ._limits import (
    CODE_BYTES,
    CRASH_STACK_BYTES,
    CRASH_STACK_OUTER_BYTES,
    MANY_STACK_BYTES,
    MANY_THREADS,
    MAX_MODULES,
    MAX_PYTHON_MEMORY_BYTES,
    OTHER_STACK_BYTES,
    RED_ZONE_BYTES,
)
from ._maps import Maps
from ._memory import Memory, Range, RecordingMemory
from ._modules import Module, find_modules
from ._python_stacks import PythonThread, Runtime, find_runtime, walk
from ._signals import DUMP_REQUESTED, SIGABRT, SIGSEGV, signal_printed_in
from ._snapshot import Cause, DsoDebug, Link, Snapshot, Thread
from ._streams import (
    LINUX_AUXV,
    LINUX_CMD_LINE,
    LINUX_CPU_INFO,
    LINUX_ENVIRON,
    LINUX_LSB_RELEASE,
    LINUX_MAPS,
    LINUX_PROC_STATUS,
)

T = TypeVar("T")


class CaptureOptions(NamedTuple):
    """What the host allowed, and what it knows of itself."""

    python_memory: bool = True
    send_argv: bool = False
    send_environ: bool = False
    python_version: Optional[Tuple[int, int]] = None


class Source(NamedTuple):
    """A process to capture: alive and stopped, or a core."""

    pid: int
    cpu: Cpu
    memory: Memory
    maps: Maps
    auxv_raw: bytes
    registers: Dict[int, Optional[Registers]]
    """Of every thread."""
    names: Dict[int, str]
    files: Dict[int, bytes]
    times: procfs.ProcessTimes
    has_code: bool = True
    """Whether `memory` holds the code of modules: cores do not."""


class Interrupted(NamedTuple):
    """The thread that died, as it was when the signal came."""

    cause: Cause
    registers: Registers
    handler_sp: int
    frame: Optional[SignalFrame]


class Python(NamedTuple):
    """What was found of the interpreter, and the memory that was read for it."""

    runtime: Optional[Runtime]
    threads: List[PythonThread]
    ranges: List[Range]


def cpu_of_this_machine() -> Optional[Cpu]:
    """None where only text can be captured."""
    machine = os.uname().machine
    if machine == "x86_64":
        from ._amd64 import AMD64

        return AMD64
    if machine == "aarch64":
        from ._arm64 import ARM64

        return ARM64
    return None


def proc_files(pid: int, maps_text: bytes, auxv_raw: bytes, options: CaptureOptions) -> Dict[int, bytes]:
    """Stream type → content. Command line and environment only where the host asked for them."""
    files = {
        LINUX_CPU_INFO: procfs.read_file("/proc/cpuinfo"),
        LINUX_PROC_STATUS: procfs.read_file(f"/proc/{pid}/status"),
        LINUX_LSB_RELEASE: procfs.read_file("/etc/lsb-release") or procfs.read_file("/etc/os-release"),
        LINUX_AUXV: auxv_raw,
        LINUX_MAPS: maps_text,
    }
    if options.send_argv:
        files[LINUX_CMD_LINE] = procfs.read_file(f"/proc/{pid}/cmdline")
    if options.send_environ:
        files[LINUX_ENVIRON] = procfs.read_file(f"/proc/{pid}/environ")
    return files


def capture(source: Source, interrupted: Interrupted, options: CaptureOptions, annotations: Dict[str, str]) -> Snapshot:
    """Every part by itself: what fails is left out and named in `errors`."""
    errors: List[str] = []

    def attempt(what: str, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except Exception as error:
            errors.append(f"{what}: {type(error).__name__}: {error}")
            return otherwise

    auxv = procfs.auxiliary_vector(source.auxv_raw)
    main_address = auxv.get(procfs.AT_PHDR, 0)
    modules: List[Module] = attempt("modules", lambda: find_modules(source.memory, source.maps, main_address), [])
    no_threads: List[Thread] = []
    threads = attempt("threads", lambda: _threads(source, interrupted, auxv), no_threads)
    memory: List[Range] = attempt("memory", lambda: _near_crash(source, interrupted), [])
    python = Python(None, [], [])
    if options.python_memory:
        python = attempt("python memory", lambda: _python(source, modules, options), python)
    runtime = python.runtime
    if runtime is not None:
        annotations = {**annotations, "python.runtime_address": hex(runtime.address)}
    return Snapshot(
        pid=source.pid,
        cpu=source.cpu,
        cause=interrupted.cause,
        threads=threads,
        memory=memory + python.ranges,
        maps=source.maps,
        modules=modules,
        times=source.times,
        files=source.files,
        annotations=annotations,
        auxv=auxv,
        dso=attempt("dso", lambda: _dso(source, modules), None),
        python_threads=python.threads,
        runtime=runtime,
        errors=errors,
    )


def interrupted_thread(source: Source, tid: int, signal: Optional[int], text: bytes) -> Interrupted:
    """
    Undoes the signal handler the thread `tid` is in.

    Args:
        signal: where it is known; else it is read from `text`.
    """
    registers = source.registers.get(tid) or source.cpu.partial(0, 0)
    sp = source.cpu.sp(registers)
    frame = source.cpu.find_signal_frame(source.memory, source.maps, sp, source.has_code)
    if signal is None:
        faulted = frame is not None and frame.trap != 0
        signal = signal_printed_in(text) or (SIGSEGV if faulted else SIGABRT)
    if frame is None:
        return Interrupted(Cause(tid, signal, 0, 0), registers, sp, None)
    code, address = source.cpu.cause(signal, frame, source.memory, source.maps)
    before = frame.registers
    general = dict(before.general)
    pointer = source.cpu.thread_pointer_name
    general[pointer] = registers.general.get(pointer, 0)
    for name in ("ds", "es", "gs_base"):
        if name in general:
            general[name] = registers.general.get(name, 0)
    return Interrupted(Cause(tid, signal, code, address), Registers(general, before.floating), sp, frame)


def requested(source: Source, tid: int) -> Interrupted:
    """For a dump that nobody died for, asked for by thread `tid`."""
    registers = source.registers.get(tid) or source.cpu.partial(0, 0)
    pc = source.cpu.pc(registers)
    return Interrupted(Cause(tid, DUMP_REQUESTED, 0, pc), registers, source.cpu.sp(registers), None)


def _threads(source: Source, interrupted: Interrupted, auxv: Dict[int, int]) -> List[Thread]:
    others = MANY_STACK_BYTES if len(source.registers) > MANY_THREADS else OTHER_STACK_BYTES
    end_of_main_stack = auxv.get(procfs.AT_RANDOM, 0)
    threads: List[Thread] = []
    for tid, found in sorted(source.registers.items()):
        crashed = tid == interrupted.cause.tid
        registers = interrupted.registers if crashed else found
        stack = None
        if registers is not None:
            limit = CRASH_STACK_BYTES if crashed else others
            stack = _stack(source, source.cpu.sp(registers), limit, end_of_main_stack)
        threads.append(Thread(tid, source.names.get(tid, ""), registers, stack))
    return threads


def _stack(source: Source, sp: int, limit: int, end_of_main_stack: int) -> Optional[Range]:
    """
    From the red zone below `sp` to the end of its mapping, at most `limit`.

    A stack pointer in a guard page, or nowhere, belongs to the next mapping. The program's main stack ends
    with the strings of its arguments and environment: it is cut below them, at the bytes AT_RANDOM points to, which the
    kernel puts right before them. Nothing an unwinder needs lies there.
    """
    mapping = source.maps.at(sp)
    if mapping is None or not mapping.readable:
        mapping = source.maps.after(sp)
        if mapping is None or mapping.start - sp > 1 << 20 or not mapping.readable:
            return None
    end = mapping.end
    if mapping.start <= end_of_main_stack < end:
        end = end_of_main_stack
    start = max(mapping.start, (sp - RED_ZONE_BYTES) & ~15)
    if start >= end:
        return None
    return start, source.memory.read(start, min(limit, end - start))


def _near_crash(source: Source, interrupted: Interrupted) -> List[Range]:
    """Code around the instruction, the frame of the signal, and the outermost part of a stack that was cut."""
    ranges: List[Range] = []
    pc, sp = source.cpu.pc(interrupted.registers), source.cpu.sp(interrupted.registers)
    mapping = source.maps.at(pc)
    if mapping is not None and source.has_code:
        start = max(mapping.start, pc - CODE_BYTES // 2)
        ranges.append((start, source.memory.read(start, min(CODE_BYTES, mapping.end - start))))
    frame = interrupted.frame
    if frame is not None and interrupted.handler_sp < frame.address:
        size = frame.address - interrupted.handler_sp
        ranges.append((interrupted.handler_sp, source.memory.read(interrupted.handler_sp, size)))
    stack = source.maps.at(sp)
    if stack is not None and stack.end - sp > CRASH_STACK_BYTES:
        end = min(stack.end, procfs.auxiliary_vector(source.auxv_raw).get(procfs.AT_RANDOM, stack.end))
        end = end if end > sp else stack.end
        start = max(sp, end - CRASH_STACK_OUTER_BYTES)
        ranges.append((start, source.memory.read(start, end - start)))
    return [(start, data) for start, data in ranges if data]


def _python(source: Source, modules: List[Module], options: CaptureOptions) -> Python:
    runtime = find_runtime(source.memory, modules, options.python_version)
    if runtime is None:
        return Python(None, [], [])
    recording = RecordingMemory(source.memory, MAX_PYTHON_MEMORY_BYTES)
    threads = walk(recording, runtime)
    return Python(runtime, threads or [], recording.ranges())


def _dso(source: Source, modules: List[Module]) -> Optional[DsoDebug]:
    """The loader's own list, from DT_DEBUG of the program; None for a static one."""
    if not modules:
        return None
    image = modules[0].image
    header = next((one for one in image.headers if one.kind == PT_DYNAMIC), None)
    debug = dynamic_section(source.memory, image).get(DT_DEBUG, 0)
    if header is None or not debug:
        return None
    memory = source.memory
    at = memory.word(debug + 8) or 0
    links: List[Link] = []
    while at and len(links) < MAX_MODULES:
        address, name, dynamic = (memory.word(at + offset) or 0 for offset in (0, 8, 16))
        links.append(Link(address, read_cstring(memory, name).decode("utf-8", "replace"), dynamic))
        at = memory.word(at + 24) or 0
    address = image.bias + header.vaddr
    return DsoDebug(
        version=memory.int32(debug) or 0,
        brk=memory.word(debug + 16) or 0,
        ldbase=memory.word(debug + 32) or 0,
        dynamic_address=address,
        dynamic=memory.read(address, min(header.memsz, 4096)),
        links=links,
    )
