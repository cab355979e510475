"""A live process as a source to capture from: by ptrace(2) where it holds, else by what procfs tells."""

from __future__ import annotations

from typing import Optional

from . import _procfs as procfs
from ._capture import CaptureOptions, Source, cpu_of_this_machine, proc_files
from ._cpu import Cpu, Registers
from ._hold import Held
from ._limits import MAX_PROC_FILE_BYTES
from ._maps import parse_maps
from ._memory import ProcessMemory


def read_source(pid: int, held: Held, options: CaptureOptions) -> Optional[Source]:
    """None where the process may not be looked into."""
    cpu = cpu_of_this_machine()
    if cpu is None:
        return None
    try:
        memory = ProcessMemory(pid)
    except OSError as error:
        held.refused = f"{held.refused}; memory: {error.strerror}" if held.refused else f"memory: {error.strerror}"
        return None
    maps_text = procfs.read_file(f"/proc/{pid}/maps", 4 * MAX_PROC_FILE_BYTES)
    auxv_raw = procfs.read_file(f"/proc/{pid}/auxv")
    tids = held.tids()
    return Source(
        pid=pid,
        cpu=cpu,
        memory=memory,
        maps=parse_maps(maps_text),
        auxv_raw=auxv_raw,
        registers={tid: _registers(pid, tid, held, cpu) for tid in tids},
        names={tid: procfs.thread_name(pid, tid) for tid in tids},
        files=proc_files(pid, maps_text, auxv_raw, options),
        times=procfs.process_times(pid),
    )


def _registers(pid: int, tid: int, held: Held, cpu: Cpu) -> Optional[Registers]:
    """From ptrace(2); else pc and sp, which /proc tells of a thread that waits in the kernel."""
    registers = held.registers(tid, cpu)
    if registers is not None:
        return registers
    blocked = procfs.blocked_syscall(pid, tid)
    return None if blocked is None or not blocked.sp else cpu.partial(blocked.pc, blocked.sp)
