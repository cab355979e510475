"""
ptrace(2) through ctypes: stopping the threads of another process and reading their registers.

PTRACE_O_EXITKILL is never set: when a worker dies, the kernel lets its tracees go on, and the application dies as it
would have.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from typing import Dict, List, Optional, Tuple

from ._cpu import Cpu, Registers
from ._limits import ATTACH_ROUNDS, MAX_THREADS, STOP_WAIT_S
from ._procfs import thread_ids

PTRACE_CONT, PTRACE_DETACH = 7, 17
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
PTRACE_GETREGSET, PTRACE_SETREGSET = 0x4204, 0x4205
NT_PRSTATUS, NT_PRFPREG, NT_ARM_TLS = 1, 2, 0x401
_WALL = 0x40000000


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def _ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> None:
    """Raises OSError."""
    if _libc.ptrace(request, tid, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace 0x{request:x} of {tid}: {os.strerror(number)}")


def read_regset(tid: int, kind: int, size: int) -> bytes:
    """Raises OSError."""
    buffer = ctypes.create_string_buffer(size)
    vector = _Iovec(ctypes.addressof(buffer), size)
    _ptrace(PTRACE_GETREGSET, tid, kind, ctypes.addressof(vector))
    return buffer.raw[: vector.size]


def write_regset(tid: int, kind: int, data: bytes) -> None:
    """Raises OSError."""
    buffer = ctypes.create_string_buffer(data, len(data))
    vector = _Iovec(ctypes.addressof(buffer), len(data))
    _ptrace(PTRACE_SETREGSET, tid, kind, ctypes.addressof(vector))


class Stopped:
    """The threads of a process, seized. Every one must be let go by `detach`, or by the death of this process."""

    def __init__(self, pid: int) -> None:
        """Raises OSError when not even one thread can be seized; then none is."""
        self.pid = pid
        self.stopped: Dict[int, int] = {}
        """tid → the wait status of its stop."""
        self._seized: List[int] = []
        self._seize_all()
        self._wait_all()

    def _seize_all(self) -> None:
        refused: Optional[OSError] = None
        for _ in range(ATTACH_ROUNDS):
            known = set(self._seized)
            new = [tid for tid in thread_ids(self.pid) if tid not in known]
            for tid in new[: MAX_THREADS - len(known)]:
                try:
                    _ptrace(PTRACE_SEIZE, tid)
                    _ptrace(PTRACE_INTERRUPT, tid)
                except OSError as error:
                    refused = error
                else:
                    self._seized.append(tid)
            if not new or not self._seized:
                break
        if not self._seized:
            raise refused or ProcessLookupError(3, f"process {self.pid}: no thread to seize")

    def _wait_all(self) -> None:
        waiting = set(self._seized)
        deadline = time.monotonic() + STOP_WAIT_S
        while waiting:
            for tid in sorted(waiting):
                status = self.poll(tid)
                if status is None:
                    continue
                waiting.discard(tid)
                if status != 0:
                    self.stopped[tid] = status
            if waiting:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.0003)

    @property
    def tids(self) -> List[int]:
        """All that were seized, stopped or not."""
        return sorted(self._seized)

    def poll(self, tid: int) -> Optional[int]:
        """The wait status of a thread that has stopped since; 0 when it is gone, None when nothing is new."""
        try:
            done, status = os.waitpid(tid, _WALL | os.WNOHANG)
        except ChildProcessError:
            status, done = 0, tid
        if done == 0:
            return None
        if not os.WIFSTOPPED(status):
            if tid in self._seized:
                self._seized.remove(tid)
            return 0
        return status

    def registers(self, tid: int, cpu: Cpu) -> Optional[Registers]:
        """None for a thread that did not stop."""
        if tid not in self.stopped:
            return None
        try:
            general = read_regset(tid, NT_PRSTATUS, cpu.general_size)
        except OSError:
            return None
        floating = _try_regset(tid, NT_PRFPREG, cpu.floating_size)
        registers = cpu.registers(general, floating)
        if cpu.name == "arm64":
            tls = _try_regset(tid, NT_ARM_TLS, 8)
            registers.general[cpu.thread_pointer_name] = int.from_bytes(tls, "little")
        return registers

    def resume(self, tid: int, signal: int = 0) -> None:
        """Lets one thread run on, delivering `signal`. Raises OSError."""
        self.stopped.pop(tid, None)
        _ptrace(PTRACE_CONT, tid, 0, signal)

    def stop(self, tid: int) -> None:
        """Stops one running thread again, waiting at most STOP_WAIT_S. Raises OSError."""
        _ptrace(PTRACE_INTERRUPT, tid)
        deadline = time.monotonic() + STOP_WAIT_S
        while tid not in self.stopped and time.monotonic() < deadline:
            status = self.poll(tid)
            if status:
                self.stopped[tid] = status
            elif status == 0:
                return
            else:
                time.sleep(0.0003)

    def cancel_syscall(self, tid: int, cpu: Cpu, registers: Registers) -> None:
        """The system call a stopped thread waits in returns -EINTR, and is not restarted."""
        general = cpu.interrupted_call(registers)
        write_regset(tid, NT_PRSTATUS, struct.pack(f"<{len(cpu.general_names)}Q", *general))

    def detach(self, tid: int, signal: int = 0) -> None:
        """Lets one thread go for good; one that runs is stopped first, as ptrace(2) wants it."""
        if tid not in self._seized:
            return
        self._seized.remove(tid)
        self.stopped.pop(tid, None)
        try:
            _ptrace(PTRACE_DETACH, tid, 0, signal)
        except OSError:
            pass

    def detach_all(self, last: Tuple[int, int] = (0, 0)) -> None:
        """`last`: the thread that goes last, and the signal it takes along."""
        tid, signal = last
        for other in self.tids:
            if other != tid:
                self.detach(other)
        if tid:
            self.detach(tid, signal)


def _try_regset(tid: int, kind: int, size: int) -> bytes:
    try:
        return read_regset(tid, kind, size)
    except OSError:
        return b""
