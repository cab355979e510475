"""
arm64: `user_pt_regs` (asm/ptrace.h), `struct rt_sigframe` (arch/arm64/kernel/signal.c), Breakpad's newer
MDRawContextARM64 (minidump_cpu_arm64.h).

Left out: SVE and the other records behind fpsimd_context; an unwinder has no use for them.
"""

from __future__ import annotations

import struct
from typing import List, Optional, Tuple

from ._cpu import (
    BUS_ADRERR,
    EINTR_RESULT,
    FPE_FLTDIV,
    SEGV_ACCERR,
    SEGV_MAPERR,
    SI_KERNEL,
    SI_USER,
    SIGBUS,
    SIGFPE,
    Cpu,
    Registers,
    SignalFrame,
    cause_without_fault,
)
from ._limits import SIGNAL_FRAME_SCAN_BYTES
from ._maps import Maps
from ._memory import Memory

_NUMBERED = tuple(f"x{number}" for number in range(31))

# Offsets into rt_sigframe: siginfo at 0, ucontext at 128, its sigcontext at 304.
_UC_FLAGS, _UC_LINK = 128, 136
_FAULT_ADDRESS, _GENERAL = 304, 312
_RECORDS, _RECORDS_SIZE = 592, 4096
_FRAME_SIZE = _RECORDS + 528
_FPSIMD_MAGIC, _FPSIMD_SIZE = 0x46508001, 528
_ESR_MAGIC = 0x45535201

_CONTEXT_FLAGS = 0x400007
_DATA_ABORT, _INSTRUCTION_ABORT = (0x24, 0x25), (0x20, 0x21)


class Arm64(Cpu):
    """AArch64 under Linux."""

    name = "arm64"
    elf_machine = 183
    minidump_architecture = 12
    general_names = (*_NUMBERED, "sp", "pc", "pstate")
    floating_size = _FPSIMD_SIZE
    pc_name, sp_name, thread_pointer_name = "pc", "sp", "tpidr"
    write_syscall = 64
    sleep_syscalls = (101, 115)

    def pending_write(self, registers: Registers) -> Optional[Tuple[int, int, int]]:
        """
        See Cpu.

        x0 is both first argument and result. While the thread sleeps in the call it is still the argument, but the
        kernel puts -ERESTARTSYS there before a stop: then any fd is answered (-1).
        """
        general = registers.general
        if general["x8"] != self.write_syscall:
            return None
        fd = general["x0"]
        return (fd if fd < 1 << 31 else -1), general["x1"], general["x2"]

    def interrupted_call(self, registers: Registers) -> List[int]:
        """See Cpu."""
        general = {**registers.general, "x0": EINTR_RESULT}
        return [general[name] for name in self.general_names]

    def find_signal_frame(self, memory: Memory, maps: Maps, sp: int, check_code: bool) -> Optional[SignalFrame]:
        """See Cpu: known by fpsimd_context, which the kernel always writes first."""
        mapping = maps.at(sp)
        end = min(sp + SIGNAL_FRAME_SCAN_BYTES, mapping.end if mapping else sp)
        window = memory.read(sp, end - sp)
        for at in range(-sp % 16, len(window) - _FRAME_SIZE + 1, 16):
            magic, size = struct.unpack_from("<II", window, at + _RECORDS)
            if magic != _FPSIMD_MAGIC or size != _FPSIMD_SIZE:
                continue
            if struct.unpack_from("<QQ", window, at + _UC_FLAGS) == (0, 0):
                return _frame_at(window, at, sp)
        return None

    def context(self, registers: Registers) -> bytes:
        """See Cpu: 912 bytes."""
        general, fpsimd = registers.general, registers.floating
        head = struct.pack("<II", _CONTEXT_FLAGS, general["pstate"] & 0xFFFFFFFF)
        values = struct.pack("<33Q", *(general[name] for name in (*_NUMBERED, "sp", "pc")))
        vectors, status, control = fpsimd[:512], fpsimd[512:516], fpsimd[516:520]
        return head + values + vectors + control + status + bytes(120)

    def cause(self, signal: int, frame: SignalFrame, memory: Memory, maps: Maps) -> Tuple[int, int]:
        """See Cpu: by the fault address and the exception class of ESR_EL1 (Arm ARM, D17.2.37)."""
        pc = frame.registers.general["pc"]
        known = cause_without_fault(signal, pc)
        if known is not None:
            return known
        if signal == SIGFPE:
            return (SI_USER, 0) if frame.trap == 0 else (FPE_FLTDIV, pc)
        if signal == SIGBUS and frame.trap != 0:
            return BUS_ADRERR, frame.fault_address
        if frame.trap in _DATA_ABORT + _INSTRUCTION_ABORT:
            permission = frame.error & 0x3C == 0x0C
            return (SEGV_ACCERR if permission else SEGV_MAPERR), frame.fault_address
        if frame.fault_address:
            mapped = maps.at(frame.fault_address) is not None
            return (SEGV_ACCERR if mapped else SEGV_MAPERR), frame.fault_address
        return (SI_USER, 0) if frame.trap == 0 else (SI_KERNEL, 0)


def _frame_at(window: bytes, at: int, sp: int) -> SignalFrame:
    (fault_address,) = struct.unpack_from("<Q", window, at + _FAULT_ADDRESS)
    values = struct.unpack_from("<34Q", window, at + _GENERAL)
    status, control = struct.unpack_from("<II", window, at + _RECORDS + 8)
    vectors = window[at + _RECORDS + 16 : at + _RECORDS + 528]
    floating = vectors + struct.pack("<II8x", status, control)
    general = dict(zip(Arm64.general_names, values))
    esr = _esr(window, at + _RECORDS)
    return SignalFrame(sp + at, Registers(general, floating), fault_address, esr >> 26 & 0x3F, esr)


def _esr(window: bytes, at: int) -> int:
    """Of the records behind each other at `at`, the value of esr_context; 0 without one."""
    end = min(len(window), at + _RECORDS_SIZE)
    while at + 16 <= end:
        magic, size = struct.unpack_from("<II", window, at)
        if magic == _ESR_MAGIC:
            return int(struct.unpack_from("<Q", window, at + 8)[0])
        if magic == 0 or size < 16 or size % 16:
            return 0
        at += size
    return 0


ARM64 = Arm64()
