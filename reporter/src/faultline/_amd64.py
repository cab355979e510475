"""
x86-64: `user_regs_struct` (sys/user.h), `struct ucontext` (asm/ucontext.h), CONTEXT (minidump_cpu_amd64.h of Breakpad).

Left out: AVX state beyond the FXSAVE image, which neither CONTEXT nor an unwinder has a use for.
"""

from __future__ import annotations

import struct
from typing import List, Optional, Tuple

from ._cpu import (
    BUS_ADRERR,
    EINTR_RESULT,
    FPE_FLTDIV,
    FPE_INTDIV,
    NO_SYSCALL,
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

_REGSET = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
)

_UCONTEXT_GENERAL = 40
_UCONTEXT_NAMES = tuple("r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags".split())
_UCONTEXT_SEGMENTS = 184
_UCONTEXT_FAULT = 192
_UCONTEXT_SIZE = 232
_FXSAVE_SIZE = 512
_FXSAVE_MAGIC = 464
_XSAVE_PRESENT = 0x46505853
_USER_CODE_SEGMENT = 0x33

_TRAMPOLINES = (bytes.fromhex("48c7c00f0000000f05"), bytes.fromhex("b80f0000000f05"))
"""mov $15, %rax; syscall: rt_sigreturn, as glibc and musl write it."""
_SYSCALL = b"\x0f\x05"

_TRAP_DIVIDE, _TRAP_GENERAL_PROTECTION, _TRAP_PAGE_FAULT = 0, 13, 14

_CONTEXT_FLAGS = 0x10000F
_CONTEXT_NAMES = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip".split()


class Amd64(Cpu):
    """x86-64 under Linux."""

    name = "amd64"
    elf_machine = 62
    minidump_architecture = 9
    general_names = tuple(_REGSET.split())
    floating_size = _FXSAVE_SIZE
    pc_name, sp_name, thread_pointer_name = "rip", "rsp", "fs_base"
    write_syscall = 1
    sleep_syscalls = (35, 230)

    def pending_write(self, registers: Registers) -> Optional[Tuple[int, int, int]]:
        """See Cpu. At a ptrace stop rax holds -ERESTARTSYS, orig_rax still the call's number."""
        general = registers.general
        if general["orig_rax"] != self.write_syscall:
            return None
        return general["rdi"], general["rsi"], general["rdx"]

    def interrupted_call(self, registers: Registers) -> List[int]:
        """See Cpu. orig_rax of -1 tells the kernel that there is nothing to restart."""
        general = {**registers.general, "rax": EINTR_RESULT, "orig_rax": NO_SYSCALL}
        return [general[name] for name in self.general_names]

    def find_signal_frame(self, memory: Memory, maps: Maps, sp: int, check_code: bool) -> Optional[SignalFrame]:
        """See Cpu: a return address to the trampoline, with a plausible ucontext above it."""
        mapping = maps.at(sp)
        end = min(sp + SIGNAL_FRAME_SCAN_BYTES, mapping.end if mapping else sp)
        window = memory.read(sp, end - sp)
        for offset in range(0, len(window) - 8 - _UCONTEXT_SIZE, 8):
            (target,) = struct.unpack_from("<Q", window, offset)
            if not _plausible(window, offset + 8, sp) or not _executable(maps, target):
                continue
            if check_code and not memory.read(target, 9).startswith(_TRAMPOLINES):
                continue
            return _frame_at(memory, window, offset + 8, sp)
        return None

    def context(self, registers: Registers) -> bytes:
        """See Cpu: 1232 bytes."""
        general, fxsave = registers.general, registers.floating
        head = struct.pack(
            "<48xII6HI48x",
            _CONTEXT_FLAGS,
            int.from_bytes(fxsave[24:28], "little"),
            *(general[name] & 0xFFFF for name in ("cs", "ds", "es", "fs", "gs", "ss")),
            general["eflags"] & 0xFFFFFFFF,
        )
        values = struct.pack("<17Q", *(general[name] for name in _CONTEXT_NAMES))
        return head + values + fxsave + bytes(416 + 48)

    def cause(self, signal: int, frame: SignalFrame, memory: Memory, maps: Maps) -> Tuple[int, int]:
        """
        See Cpu.

        trapno and cr2 are those of the last fault, so they are stale after raise(3) and kill(2): what came from a
        system call is known by the instruction before the interrupted one.
        """
        pc = frame.registers.general["rip"]
        known = cause_without_fault(signal, pc)
        if known is not None:
            return known
        if frame.trap == 0 and memory.read(pc - 2, 2) == _SYSCALL:
            return SI_USER, 0
        if signal == SIGFPE:
            return (FPE_INTDIV if frame.trap == _TRAP_DIVIDE else FPE_FLTDIV), pc
        if signal == SIGBUS:
            return BUS_ADRERR, frame.fault_address
        if frame.trap == _TRAP_PAGE_FAULT:
            mapped = maps.at(frame.fault_address) is not None
            return (SEGV_ACCERR if mapped else SEGV_MAPERR), frame.fault_address
        if frame.trap == _TRAP_GENERAL_PROTECTION:
            return SI_KERNEL, 0
        return SI_USER, 0


def _executable(maps: Maps, address: int) -> bool:
    mapping = maps.at(address)
    return mapping is not None and mapping.executable


def _plausible(window: bytes, at: int, sp: int) -> bool:
    flags, link = struct.unpack_from("<QQ", window, at)
    if flags > 0xFF or link != 0:
        return False
    (code_segment,) = struct.unpack_from("<H", window, at + _UCONTEXT_SEGMENTS)
    (fpstate,) = struct.unpack_from("<Q", window, at + 224)
    return bool(code_segment == _USER_CODE_SEGMENT and sp <= fpstate < sp + SIGNAL_FRAME_SCAN_BYTES)


def _frame_at(memory: Memory, window: bytes, at: int, sp: int) -> Optional[SignalFrame]:
    (fpstate,) = struct.unpack_from("<Q", window, at + 224)
    fxsave = memory.exact(fpstate, _FXSAVE_SIZE)
    if fxsave is None:
        return None
    if int.from_bytes(fxsave[_FXSAVE_MAGIC : _FXSAVE_MAGIC + 4], "little") != _XSAVE_PRESENT:
        return None
    names, count = _UCONTEXT_NAMES, len(_UCONTEXT_NAMES)
    general = dict.fromkeys(Amd64.general_names, 0)
    general.update(zip(names, struct.unpack_from(f"<{count}Q", window, at + _UCONTEXT_GENERAL)))
    segments = struct.unpack_from("<4H", window, at + _UCONTEXT_SEGMENTS)
    general.update(zip(("cs", "gs", "fs", "ss"), segments))
    error, trap, _mask, fault_address = struct.unpack_from("<4Q", window, at + _UCONTEXT_FAULT)
    return SignalFrame(sp + at, Registers(general, fxsave), fault_address, trap, error)


AMD64 = Amd64()
