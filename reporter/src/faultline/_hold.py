"""
Holding a process while it is looked at, and up to its last moment.

By ptrace(2): all threads stopped, then only the crashed one goes on, until the kernel is about to deliver the signal
that faulthandler raises again: the text is complete, the process still alive. Where ptrace(2) is refused, the process
holds itself, by the write it waits in; its other threads go on.
"""

from __future__ import annotations

import functools
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Dict, List, Optional

from . import _procfs as procfs
from ._channel import TextReader
from ._cpu import Cpu, Registers
from ._limits import HOLD_TIMEOUT_S
from ._signals import HANDLED, SIGABRT

if TYPE_CHECKING:
    from ._ptrace import Stopped

_SLEEP_APPEARS_S = 0.5
_OTHERS_WAIT_S = 1.0
"""Without progress for so long the other threads are let go: the handler may wait for a lock that one of them holds."""


class Held:
    """A process under the worker's eyes."""

    how = "procfs"
    holds_until_the_end = False

    def __init__(self, pid: int, refused: str) -> None:
        self.pid = pid
        self.refused = refused
        """Why ptrace(2) could not be used."""
        self.crashed = 0
        self.signal = 0

    def tids(self) -> List[int]:
        """The threads."""
        return procfs.thread_ids(self.pid)

    def registers(self, tid: int, cpu: Cpu) -> Optional[Registers]:
        """None where only procfs can tell."""
        return None

    def drain(self, reader: TextReader) -> bool:
        """
        Reads the text to its end: the death of the process, since others may hold the channel open.

        False when the process went silent and lives: its handler is stuck.
        """
        poller = select.poll()
        poller.register(reader.fileno(), select.POLLIN)
        while not reader.ended:
            poller.poll(HOLD_TIMEOUT_S * 1000 if _alive(self.pid) else 0)
            progress = reader.read_all()
            if not _alive(self.pid):
                reader.read_all()
                return True
            if not progress and not reader.ended:
                return False
        return True

    def wake_from_sleep(self, tid: int, cpu: Cpu) -> None:
        """Makes the sleep that thread `tid` is in return early, where that can be done."""

    def deliver_and_wake(self, cpu: Optional[Cpu]) -> None:
        """Delivers the signal to a process whose handler for it sleeps, and ends that sleep."""

    def release(self) -> None:
        """Lets the process die."""


class ProcfsHeld(Held):
    """Without ptrace(2)."""


class PtraceHeld(Held):
    """With every thread stopped."""

    how = "ptrace"
    holds_until_the_end = True

    def __init__(self, stopped: "Stopped") -> None:
        super().__init__(stopped.pid, "")
        self._stopped = stopped
        self._registers: Dict[int, Optional[Registers]] = {}
        self._wakeup = _child_signals()

    def tids(self) -> List[int]:
        """See Held."""
        return self._stopped.tids

    def registers(self, tid: int, cpu: Cpu) -> Optional[Registers]:
        """See Held."""
        if tid not in self._registers:
            self._registers[tid] = self._stopped.registers(tid, cpu)
        return self._registers[tid]

    def drain(self, reader: TextReader) -> bool:
        """See Held: the end is the delivery of the raised signal."""
        try:
            if self.crashed not in self._stopped.tids:
                raise ProcessLookupError
            self._stopped.resume(self.crashed)
        except OSError:
            self._stopped.detach_all()
            return super().drain(reader)
        poller = select.poll()
        poller.register(self._wakeup, select.POLLIN)
        poller.register(reader.fileno(), select.POLLIN)
        last_progress, closed = time.monotonic(), False
        while True:
            if any(fd == self._wakeup for fd, _ in poller.poll(100)):
                os.read(self._wakeup, 4096)
            if not closed and reader.read_all():
                last_progress = time.monotonic()
            if not closed and reader.ended:
                closed = True
                poller.unregister(reader.fileno())
            raised = self._advance()
            if raised is not None:
                reader.read_all()
                self.signal = raised
                return True
            silence = time.monotonic() - last_progress
            if silence > HOLD_TIMEOUT_S:
                self.signal = 0
                return False
            if silence > _OTHERS_WAIT_S:
                self._let_others_go()

    def _advance(self) -> Optional[int]:
        """The fatal signal about to be delivered; 0 when the thread is gone; None while it goes on."""
        status = self._stopped.poll(self.crashed)
        if status is None:
            return None
        if status == 0:
            return 0
        number = os.WSTOPSIG(status)
        if status >> 16 == 0 and number in HANDLED:
            return number
        try:
            # An event stop (status >> 16) reports no signal of its own: nothing is delivered for it.
            self._stopped.resume(self.crashed, 0 if status >> 16 else number)
        except OSError:
            return 0
        return None

    def _let_others_go(self) -> None:
        for tid in self._stopped.tids:
            if tid != self.crashed:
                self._stopped.detach(tid)

    def wake_from_sleep(self, tid: int, cpu: Cpu) -> None:
        """See Held: the call returns -EINTR and is not restarted."""
        registers = self._stopped.registers(tid, cpu)
        if registers is not None:
            self._stopped.cancel_syscall(tid, cpu, registers)

    def deliver_and_wake(self, cpu: Optional[Cpu]) -> None:
        """See Held."""
        if cpu is None or self.crashed not in self._stopped.tids:
            return
        try:
            self._stopped.resume(self.crashed, self.signal)
            self.signal = 0
            if sleeping_thread(self.pid, [self.crashed], cpu) is not None:
                self._stopped.stop(self.crashed)
                self.wake_from_sleep(self.crashed, cpu)
        except OSError:
            return

    def release(self) -> None:
        """See Held: the crashed thread goes last, with its signal."""
        self._stopped.detach_all((self.crashed, self.signal))


def sleeping_thread(pid: int, tids: Optional[List[int]], cpu: Cpu) -> Optional[int]:
    """
    The thread that sleeps inside the handler of SIGABRT: one in a sleeping call, with SIGABRT blocked.

    `tids`: where to look; None for all threads. It is waited for _SLEEP_APPEARS_S.
    """
    deadline = time.monotonic() + _SLEEP_APPEARS_S
    while time.monotonic() < deadline:
        for tid in procfs.thread_ids(pid) if tids is None else tids:
            blocked = procfs.blocked_syscall(pid, tid)
            if blocked is not None and blocked.number in cpu.sleep_syscalls and _blocks(pid, tid, SIGABRT):
                return tid
        time.sleep(0.002)
    return None


def _blocks(pid: int, tid: int, number: int) -> bool:
    for line in procfs.read_file(f"/proc/{pid}/task/{tid}/status").split(b"\n"):
        if line.startswith(b"SigBlk:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


@functools.lru_cache(maxsize=None)
def _child_signals() -> int:
    """A descriptor that is readable after SIGCHLD, which the kernel sends for every stop of a traced thread."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def hold(pid: int) -> Held:
    """Never raises: the weakest way always works."""
    try:
        from ._ptrace import Stopped

        return PtraceHeld(Stopped(pid))
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return ProcfsHeld(pid, f"ptrace: {reason}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    state = procfs.read_file(f"/proc/{pid}/stat", 4096).rpartition(b")")[2].split()[:1]
    return state not in ([b"Z"], [b"X"])
