"""
What differs between CPUs: register sets of ptrace(2), signal frames, and CONTEXT records of minidumps.

One file a CPU (`_amd64.py`, `_arm64.py`); this one is what they have in common.
"""

from __future__ import annotations

import struct
from typing import Dict, List, NamedTuple, Optional, Tuple

from ._maps import Maps
from ._memory import Memory
from ._signals import SIGABRT, SIGBUS, SIGFPE, SIGILL


class Registers(NamedTuple):
    """One thread's registers, under the CPU's own names, and its floating point unit as the kernel lays it out."""

    general: Dict[str, int]
    floating: bytes


class SignalFrame(NamedTuple):
    """What the kernel pushed when it called a signal handler: the registers of the moment it interrupted."""

    address: int
    registers: Registers
    fault_address: int
    trap: int
    """x86-64: trapno. arm64: the exception class of ESR, 0 without one."""
    error: int
    """x86-64: the page fault's error code. arm64: ESR."""


class Cpu:
    """The interface of a CPU. No state."""

    name: str
    elf_machine: int
    minidump_architecture: int
    general_names: Tuple[str, ...]
    """In the order of NT_PRSTATUS, 64 bits each."""
    floating_size: int
    """Of NT_PRFPREG."""
    pc_name: str
    sp_name: str
    thread_pointer_name: str
    write_syscall: int
    sleep_syscalls: Tuple[int, ...]

    @property
    def general_size(self) -> int:
        """Bytes of NT_PRSTATUS' registers."""
        return 8 * len(self.general_names)

    def registers(self, general: bytes, floating: bytes) -> Registers:
        """From the two register sets; `floating` may be short or missing."""
        size = self.general_size
        values = struct.unpack(f"<{len(self.general_names)}Q", general[:size].ljust(size, b"\0"))
        padded = floating[: self.floating_size].ljust(self.floating_size, b"\0")
        return Registers(dict(zip(self.general_names, values)), padded)

    def partial(self, pc: int, sp: int) -> Registers:
        """Where only these two are known."""
        general = dict.fromkeys(self.general_names, 0)
        general[self.pc_name], general[self.sp_name] = pc, sp
        return Registers(general, b"\0" * self.floating_size)

    def pc(self, registers: Registers) -> int:
        """The instruction pointer."""
        return registers.general[self.pc_name]

    def sp(self, registers: Registers) -> int:
        """The stack pointer."""
        return registers.general[self.sp_name]

    def thread_pointer(self, registers: Registers) -> int:
        """On Linux the pthread_t of glibc on x86-64; on arm64 a constant above it."""
        return registers.general.get(self.thread_pointer_name, 0)

    def pending_write(self, registers: Registers) -> Optional[Tuple[int, int, int]]:
        """(fd, buffer, size) of a thread stopped inside write(2)."""
        raise NotImplementedError

    def interrupted_call(self, registers: Registers) -> List[int]:
        """The general registers after the system call under way was given up with -EINTR."""
        raise NotImplementedError

    def find_signal_frame(self, memory: Memory, maps: Maps, sp: int, check_code: bool) -> Optional[SignalFrame]:
        """The innermost one above `sp`. `check_code`: look at the trampoline's bytes, which cores do not hold."""
        raise NotImplementedError

    def context(self, registers: Registers) -> bytes:
        """As a CONTEXT record of a minidump."""
        raise NotImplementedError

    def cause(self, signal: int, frame: SignalFrame, memory: Memory, maps: Maps) -> Tuple[int, int]:
        """(si_code, address) of the interrupted moment, worked out: faulthandler asks for no siginfo."""
        raise NotImplementedError


EINTR_RESULT = (1 << 64) - 4
NO_SYSCALL = (1 << 64) - 1
SI_USER, SI_KERNEL, SI_TKILL = 0, 0x80, -6
SEGV_MAPERR, SEGV_ACCERR = 1, 2
BUS_ADRERR, ILL_ILLOPN, FPE_INTDIV, FPE_FLTDIV = 2, 2, 1, 3


def cause_without_fault(signal: int, pc: int) -> Optional[Tuple[int, int]]:
    """(si_code, address) of the signals that need no look at the fault."""
    if signal == SIGABRT:
        return SI_TKILL, pc
    if signal == SIGILL:
        return ILL_ILLOPN, pc
    return None


__all__ = [
    "BUS_ADRERR",
    "EINTR_RESULT",
    "FPE_FLTDIV",
    "FPE_INTDIV",
    "ILL_ILLOPN",
    "NO_SYSCALL",
    "SEGV_ACCERR",
    "SEGV_MAPERR",
    "SIGBUS",
    "SIGFPE",
    "SI_KERNEL",
    "SI_TKILL",
    "SI_USER",
    "Cpu",
    "Registers",
    "SignalFrame",
    "cause_without_fault",
]
