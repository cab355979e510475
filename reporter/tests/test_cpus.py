"""Registers, signal frames and CONTEXT records of both CPUs, on frames laid out here by the kernel's headers."""

from __future__ import annotations

import struct
from typing import Dict, List, Tuple

import pytest

from faultline._amd64 import AMD64
from faultline._arm64 import ARM64
from faultline._cpu import Cpu
from faultline._maps import Maps, parse_maps
from faultline._memory import RangeMemory

STACK = 0x7FFF00000000
CODE = 0x400000
TRAMPOLINE = bytes.fromhex("48c7c00f0000000f05")
MAPS = parse_maps(
    f"{CODE:x}-{CODE + 0x1000:x} r-xp 00000000 00:00 0 /lib/libc.so.6\n"
    f"{STACK:x}-{STACK + 0x8000:x} rw-p 00000000 00:00 0 [stack]\n".encode()
)
UCONTEXT = "r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags".split()


def amd64_stack(trap: int, cr2: int, rip: int, at: int = 160) -> Tuple[bytes, Dict[str, int]]:
    """`at` bytes of calls, the return address to the trampoline, a ucontext, its FXSAVE image."""
    values = {name: 0x1000 + index for index, name in enumerate(UCONTEXT)}
    values["rip"] = rip
    fpstate = STACK + at + 8 + 1024
    ucontext = struct.pack("<QQQiiQ", 7, 0, 0, 0, 0, 0)
    ucontext += struct.pack("<18Q", *(values[name] for name in UCONTEXT))
    ucontext += struct.pack("<4H", 0x33, 0, 0, 0x2B)
    ucontext += struct.pack("<4QQ", 4, trap, 0, cr2, fpstate)
    fxsave = bytearray(512)
    fxsave[24:28] = (0x1F80).to_bytes(4, "little")
    fxsave[464:468] = (0x46505853).to_bytes(4, "little")
    filled = ucontext.ljust(1024, b"\0") + bytes(fxsave)
    return bytes(at) + struct.pack("<Q", CODE) + filled + bytes(4096), values


def amd64_memory(stack: bytes, code: bytes = TRAMPOLINE) -> RangeMemory:
    return RangeMemory([(STACK, stack), (CODE, code.ljust(4096, b"\x90"))])


def test_amd64_finds_the_signal_frame() -> None:
    stack, values = amd64_stack(14, 0xDEAD, 0x401234)
    memory = amd64_memory(stack)
    frame = AMD64.find_signal_frame(memory, MAPS, STACK, check_code=True)
    assert frame is not None
    assert {name: frame.registers.general[name] for name in UCONTEXT} == values
    assert (frame.fault_address, frame.trap, frame.error) == (0xDEAD, 14, 4)
    assert AMD64.cause(11, frame, memory, MAPS) == (1, 0xDEAD)


def test_amd64_wants_the_trampoline_where_code_can_be_read() -> None:
    stack, _ = amd64_stack(14, 0, 0)
    memory = amd64_memory(stack, b"\x90")
    assert AMD64.find_signal_frame(memory, MAPS, STACK, check_code=True) is None
    assert AMD64.find_signal_frame(memory, MAPS, STACK, check_code=False) is not None


@pytest.mark.parametrize(
    ("signal", "trap", "cr2", "code", "expected"),
    [
        (11, 14, CODE, b"", (2, CODE)),
        (11, 13, 0, b"", (0x80, 0)),
        (11, 0, 0x77, b"\x0f\x05", (0, 0)),
        (8, 0, 0, b"\xf7\xfe", (1, CODE + 2)),
        (8, 19, 0, b"", (3, CODE + 2)),
        (7, 14, 0x5000, b"", (2, 0x5000)),
        (4, 6, 0, b"", (2, CODE + 2)),
        (6, 14, 0x99, b"\x0f\x05", (-6, CODE + 2)),
    ],
)
def test_amd64_works_the_cause_out(signal: int, trap: int, cr2: int, code: bytes, expected: Tuple[int, int]) -> None:
    stack, _ = amd64_stack(trap, cr2, CODE + 2)
    memory = amd64_memory(stack)
    frame = AMD64.find_signal_frame(memory, MAPS, STACK, check_code=True)
    assert frame is not None
    assert AMD64.cause(signal, frame, amd64_memory(stack, code), MAPS) == expected


def test_amd64_context() -> None:
    general = struct.pack("<27Q", *range(100, 127))
    fxsave = bytes(range(256)) * 2
    registers = AMD64.registers(general, fxsave)
    context = AMD64.context(registers)
    assert len(context) == 1232
    assert struct.unpack_from("<I", context, 48)[0] == 0x10000F
    assert struct.unpack_from("<I", context, 52)[0] == struct.unpack_from("<I", fxsave, 24)[0]
    names = dict(rax=110, rcx=111, rdx=112, rbx=105, rsp=119, rbp=104, rsi=113, rdi=114, r8=109, r15=100, rip=116)
    offsets = dict(rax=120, rcx=128, rdx=136, rbx=144, rsp=152, rbp=160, rsi=168, rdi=176, r8=184, r15=240, rip=248)
    assert {name: struct.unpack_from("<Q", context, at)[0] for name, at in offsets.items()} == names
    assert context[256:768] == fxsave
    assert struct.unpack_from("<I", context, 68)[0] == 118  # eflags


def arm64_frame(fault: int, esr: int) -> bytes:
    """struct rt_sigframe, with an esr_context behind the fpsimd_context."""
    siginfo = bytes(128)
    ucontext = bytes(8 + 8 + 24 + 8 + 120 + 8)
    sigcontext = struct.pack("<Q", fault) + struct.pack("<34Q", *range(1, 35))
    fpsimd = struct.pack("<IIII", 0x46508001, 528, 0xF1, 0xF2) + bytes(range(256)) * 2
    records = fpsimd + struct.pack("<IIQ", 0x45535201, 16, esr) + bytes(8)
    frame = siginfo + ucontext + sigcontext
    return frame.ljust(592, b"\0") + records


@pytest.mark.parametrize(
    ("signal", "fault", "esr", "expected"),
    [
        (11, 0, 0x92000044, (1, 0)),
        (11, CODE, 0x9200004F, (2, CODE)),
        (11, 0x10, 0x82000004, (1, 0x10)),
        (11, 0, 0, (0, 0)),
        (6, 0, 0, (-6, 33)),
        (7, 0x5000, 0x92000011, (2, 0x5000)),
    ],
)
def test_arm64_finds_the_frame_and_the_cause(signal: int, fault: int, esr: int, expected: Tuple[int, int]) -> None:
    memory = RangeMemory([(STACK, bytes(96) + arm64_frame(fault, esr) + bytes(4096))])
    frame = ARM64.find_signal_frame(memory, MAPS, STACK, check_code=True)
    assert frame is not None
    assert frame.address == STACK + 96
    assert [frame.registers.general[name] for name in ("x0", "x30", "sp", "pc", "pstate")] == [1, 31, 32, 33, 34]
    assert (frame.fault_address, frame.error) == (fault, esr)
    assert ARM64.cause(signal, frame, memory, MAPS) == expected


def test_arm64_context() -> None:
    vectors = bytes(range(256)) * 2
    registers = ARM64.registers(struct.pack("<34Q", *range(1, 35)), vectors + struct.pack("<II8x", 0xF1, 0xF2))
    context = ARM64.context(registers)
    assert len(context) == 912
    assert struct.unpack_from("<II", context) == (0x400007, 34)
    assert struct.unpack_from("<33Q", context, 8) == tuple(range(1, 34))
    assert context[272:784] == vectors
    assert struct.unpack_from("<II", context, 784) == (0xF2, 0xF1)


def test_the_write_a_thread_waits_in() -> None:
    amd64 = AMD64.partial(1, 2)
    amd64.general.update(orig_rax=1, rdi=512, rsi=0x1000, rdx=18, rax=(1 << 64) - 512)
    assert AMD64.pending_write(amd64) == (512, 0x1000, 18)
    amd64.general["orig_rax"] = 0
    assert AMD64.pending_write(amd64) is None
    arm64 = ARM64.partial(1, 2)
    arm64.general.update(x8=64, x0=512, x1=0x1000, x2=18)
    assert ARM64.pending_write(arm64) == (512, 0x1000, 18)
    arm64.general["x0"] = (1 << 64) - 512
    assert ARM64.pending_write(arm64) == (-1, 0x1000, 18)


@pytest.mark.parametrize("cpu", [AMD64, ARM64], ids=["amd64", "arm64"])
def test_a_stack_cut_anywhere_is_no_frame_or_a_whole_one(cpu: Cpu) -> None:
    stack = amd64_stack(14, 0, 0)[0] if cpu is AMD64 else arm64_frame(0, 0)
    for size in range(0, len(stack), 7):
        memory = RangeMemory([(STACK, stack[:size]), (CODE, TRAMPOLINE.ljust(4096, b"\0"))])
        cpu.find_signal_frame(memory, MAPS, STACK, check_code=True)


def test_cancelling_a_call() -> None:
    registers = AMD64.registers(struct.pack("<27Q", *range(27)), b"")
    values: List[int] = AMD64.interrupted_call(registers)
    assert values[10] == (1 << 64) - 4
    assert values[15] == (1 << 64) - 1
    assert values[:10] == list(range(10))
    assert isinstance(MAPS, Maps)
