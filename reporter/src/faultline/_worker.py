"""
Handles one crash, in a process forked from the monitor for it alone.

The first act is an alarm nobody catches, so that a worker that gets stuck, even inside a system call, dies, and with it
everything that holds the application back.
"""

from __future__ import annotations

import signal
import socket
import time
from typing import List, Optional, Tuple

from . import _procfs as procfs
from ._capture import Interrupted, Source, cpu_of_this_machine, interrupted_thread, requested
from ._channel import TextReader
from ._cpu import Cpu
from ._crash_report import CrashReport, Job
from ._hold import Held, ProcfsHeld, hold
from ._limits import SETTLE_ROUNDS, SETTLE_S, WORKER_DEADLINE_S
from ._report import files_of, metadata
from ._signals import SIGABRT, signal_name
from ._spool import Spool, SpoolError
from ._tee import Tee
from ._uuid7 import uuid7


def arm_deadline(seconds: float = WORKER_DEADLINE_S) -> None:
    """After that time the kernel kills this process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


HANDLED, NOT_IT, STUCK = 0, 3, 4
"""What became of a crash: a report; nothing to report, or a report of a child that shares the channel; a report of a
process whose handler does not end, and which was let go in the midst of it."""


def handle_crash(job: Job, channel: socket.socket) -> int:
    """The whole story of one crash. Answers HANDLED, NOT_IT (a child may share the channel of its parent) or STUCK."""
    arm_deadline()
    reader = TextReader(channel)
    head = reader.peek()
    if not head:
        return NOT_IT
    pid = reader.pid or job.pid
    started = time.monotonic()
    held = _hold_in_write(pid, int(job.info.get("channelFd", -1)))
    report = CrashReport(job, pid, held, started)
    try:
        report.take(lambda source, tids: _crashed(source, tids, job, head))
        report.store_before_text(head)
        ended = held.drain(reader)
        report.correct_signal()
        report.finish(reader.text)
        Tee(pid, job.info.get("stderr", 2), job.tee_fd).write(reader.text, report.trouble)
        if job.info.get("captureFatal") and held.signal == SIGABRT:
            held.deliver_and_wake(cpu_of_this_machine())
    finally:
        held.release()
    if not ended:
        return STUCK
    return HANDLED if pid == job.pid else NOT_IT


def _hold_in_write(pid: int, fd: int) -> Held:
    """
    Between two pieces of its text the thread runs, and may be stopped there: then it is let go once more.

    A monitor that wakes at once on another core meets it so in one crash of ten.
    """
    cpu = cpu_of_this_machine()
    held = hold(pid)
    for _ in range(SETTLE_ROUNDS):
        if cpu is None or any(_writes_to(held, tid, cpu, fd) for tid in held.tids()):
            break
        held.release()
        time.sleep(SETTLE_S)
        held = hold(pid)
    return held


def _writes_to(held: Held, tid: int, cpu: Cpu, fd: int) -> bool:
    registers = held.registers(tid, cpu)
    pending = cpu.pending_write(registers) if registers is not None else None
    if pending is not None:
        return pending[0] in (fd, -1)
    blocked = procfs.blocked_syscall(held.pid, tid)
    return blocked is not None and blocked.number == cpu.write_syscall and blocked.arguments[:1] == [fd]


def _crashed(source: Source, tids: List[int], job: Job, head: bytes) -> Interrupted:
    """The head of the text may end before the signal's name: the thread waits in writing it."""
    tid, buffer, size = _writing_thread(source, tids, int(job.info.get("channelFd", -1)))
    return interrupted_thread(source, tid, None, head + source.memory.read(buffer, min(size, 256)))


def _writing_thread(source: Source, tids: List[int], fd: int) -> Tuple[int, int, int]:
    """The thread that waits in write(2) on our channel, its buffer and size; else one that is in a signal handler."""
    second_best = None
    for tid in tids:
        pending = _pending_write(source, tid)
        if pending is None:
            continue
        if pending[0] == fd:
            return tid, pending[1], pending[2]
        if pending[0] == -1:
            second_best = tid, pending[1], pending[2]
    return second_best or (_thread_in_signal(source, tids), 0, 0)


def _pending_write(source: Source, tid: int) -> Optional[Tuple[int, int, int]]:
    """From the registers; from procfs where there are none but pc and sp."""
    registers = source.registers.get(tid)
    pending = source.cpu.pending_write(registers) if registers is not None else None
    if pending is not None:
        return pending
    blocked = procfs.blocked_syscall(source.pid, tid)
    if blocked is None or blocked.number != source.cpu.write_syscall or len(blocked.arguments) < 3:
        return None
    return blocked.arguments[0], blocked.arguments[1], blocked.arguments[2]


def _thread_in_signal(source: Source, tids: List[int]) -> int:
    for tid in tids:
        registers = source.registers.get(tid)
        if registers is None:
            continue
        sp = source.cpu.sp(registers)
        if source.cpu.find_signal_frame(source.memory, source.maps, sp, source.has_code):
            return tid
    return tids[0] if tids else source.pid


def handle_request(job: Job, text: bytes, tid: int, kind: str = "dump") -> Optional[str]:
    """A dump of a process that lives on. Answers the report's id, None when it could not be kept."""
    arm_deadline()
    held = hold(job.pid)
    report = CrashReport(job, job.pid, held, time.monotonic(), kind)
    try:
        report.take(lambda source, _: requested(source, tid))
    finally:
        held.release()
    report.finish(text)
    return report.id if report.kept else None


def handle_exception(job: Job, text: bytes) -> Optional[str]:
    """A traceback that ended the program, or a thread of it. Answers the report's id."""
    arm_deadline()
    report = CrashReport(job, job.pid, ProcfsHeld(job.pid, ""), time.monotonic(), "exception")
    report.finish(text)
    return report.id if report.kept else None


def handle_silent_death(job: Job, number: int) -> None:
    """The process died of `number` and no handler ran: out of memory, a stack overflow of a C thread, a fatal error."""
    arm_deadline()
    from ._silent_death import dump_of_silent_death

    spool = Spool(str(job.info.get("spool", "")))
    report = uuid7()
    meta = metadata(report, job.info, "exit", job.pid)
    meta["reporter"].update(capture="exit-status", signal={"number": number, "name": signal_name(number)})
    try:
        spool.prepare()
        if not spool.judge(f"exit|{number}|{job.info.get('program')}").keep:
            return
        dump = dump_of_silent_death(report, job.pid, number, job.info)
        spool.put(report, files_of(meta, b"", dump, job.info.get("dsn")))
    except SpoolError:
        return
