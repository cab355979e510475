"""
Handles one crash, in a process forked from the monitor for it alone.

The first act is an alarm nobody catches, so that a worker that gets stuck, even inside a system call, dies, and with it
everything that holds the application back.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import _procfs as procfs
from ._capture import (
    CaptureOptions,
    Interrupted,
    Source,
    capture,
    cpu_of_this_machine,
    interrupted_thread,
    proc_files,
    requested,
)
from ._channel import TextReader
from ._cpu import Cpu, Registers
from ._hold import Held, ProcfsHeld, hold
from ._limits import MIB, SETTLE_ROUNDS, SETTLE_S, WORKER_DEADLINE_S
from ._maps import parse_maps
from ._memory import ProcessMemory
from ._report import add_snapshot, crash_key, files_of, metadata
from ._signals import SIGABRT, signal_name
from ._snapshot import Snapshot
from ._spool import TEXT, Spool, SpoolError, write_durably
from ._streams import write_dump
from ._tee import Tee
from ._uuid7 import uuid7

Fields = Dict[str, Any]
Find = Callable[[Source, List[int]], Interrupted]
"""A source and its threads → what happened to which of them."""


class Job(NamedTuple):
    """What the monitor knows of the application that crashed."""

    pid: int
    info: Fields
    tee_fd: int
    """The application's stderr, where it was handed over; else -1."""


def arm_deadline(seconds: float = WORKER_DEADLINE_S) -> None:
    """After that time the kernel kills this process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def handle_crash(job: Job, channel: socket.socket) -> int:
    """The whole story of one crash. Answers whose it was: a child may share the channel of its parent."""
    arm_deadline()
    reader = TextReader(channel)
    head = reader.peek()
    if not head:
        return job.pid
    pid = reader.pid or job.pid
    started = time.monotonic()
    held = _hold_in_write(pid, int(job.info.get("channelFd", -1)))
    report = Report(job, pid, held, started)
    try:
        report.take(lambda source, tids: _crashed(source, tids, job, head))
        report.store_before_text(head)
        held.drain(reader)
        report.correct_signal()
        report.finish(reader.text)
        Tee(pid, job.info.get("stderr", 2), job.tee_fd).write(reader.text, report.trouble)
        if job.info.get("captureFatal") and held.signal == SIGABRT:
            held.deliver_and_wake(cpu_of_this_machine())
    finally:
        held.release()
    return pid


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


class Report:
    """One report while it is made."""

    def __init__(self, job: Job, pid: int, held: Held, started: float, kind: str = "signal") -> None:
        self.id = uuid7()
        self.trouble = ""
        """What went wrong in keeping it, for the application's log."""
        self._job = job
        self._pid = pid
        self._held = held
        self._started = started
        self._timings: Dict[str, float] = {}
        self._snapshot: Optional[Snapshot] = None
        self._source: Optional[Source] = None
        self._interrupted: Optional[Interrupted] = None
        self._folder: Optional[str] = None
        self._spool = Spool(str(job.info.get("spool", "")))
        self._meta = metadata(self.id, job.info, kind, pid)
        self._meta["reporter"]["capture"] = "text-only"
        if held.refused:
            self._meta["reporter"]["refused"] = held.refused

    def take(self, find: Find) -> None:
        """Captures the process. Whatever fails leaves a report of the text alone."""
        try:
            source = read_source(self._pid, self._held, _options(self._job.info))
            if source is None:
                return
            interrupted = find(source, sorted(source.registers))
            annotations = self._annotations()
            self._snapshot = capture(source, interrupted, _options(self._job.info), annotations)
            self._source, self._interrupted = source, interrupted
            self._held.crashed = interrupted.cause.tid
            self._held.signal = interrupted.cause.signal
            self._timings["freeze"] = time.monotonic() - self._started
            add_snapshot(self._meta, self._snapshot, self._held.how, self._timings)
        except Exception as error:
            self._meta["reporter"]["captureError"] = f"{type(error).__name__}: {error}"

    def _annotations(self) -> Dict[str, str]:
        info = self._job.info
        found = {
            "faultline.id": self.id,
            "release": info.get("release"),
            "environment": info.get("environment"),
            "python.version": info.get("pythonVersion"),
            "python.implementation": info.get("implementation"),
            "faultline.capture": self._held.how,
        }
        return {key: str(value) for key, value in found.items() if value}

    def correct_signal(self) -> None:
        """
        The signal the process is about to die of is known for certain when it comes.

        The name in the text is lost when the monitor was too late for it: the write had timed out.
        """
        snapshot, source, interrupted = self._snapshot, self._source, self._interrupted
        signal_number = self._held.signal
        if snapshot is None or source is None or interrupted is None or not signal_number:
            return
        if signal_number == snapshot.cause.signal or interrupted.frame is None:
            return
        code, address = source.cpu.cause(signal_number, interrupted.frame, source.memory, source.maps)
        cause = snapshot.cause._replace(signal=signal_number, code=code, address=address)
        self._snapshot = snapshot._replace(cause=cause)
        add_snapshot(self._meta, self._snapshot, self._held.how, self._timings)

    def store_before_text(self, text: bytes) -> None:
        """
        Where the process cannot be held at its last moment, the dump goes to disk before the text is read.

        The text is what the process waits with: if it is PID 1 of a container, its death is ours.
        """
        if not self._held.holds_until_the_end and self._snapshot is not None:
            self._write(text)

    def finish(self, text: bytes) -> None:
        """Makes the report one that will be delivered."""
        if self._folder is None:
            self._write(text)
        else:
            try:
                write_durably(os.path.join(self._folder, TEXT), text)
            except OSError as error:
                self._note(error)
        if self._folder is not None:
            try:
                self._spool.commit(self.id)
                self._tell_supervisor()
            except (SpoolError, OSError) as error:
                self._note(error)

    def _tell_supervisor(self) -> None:
        folder = self._job.info.get("supervisor")
        if folder:
            write_durably(os.path.join(str(folder), str(self._pid)), b"")

    def _write(self, text: bytes) -> None:
        try:
            self._spool.prepare()
            key = crash_key(self._snapshot) if self._snapshot else text[:200].decode("ascii", "replace")
            verdict = self._spool.judge(key)
            if not verdict.keep:
                self.trouble = "not kept: too many crashes within a minute (limit REPORTS_PER_MINUTE)"
                return
            dump = self._dump(text) if verdict.with_dump else None
            if not text and dump is None:
                return
            dsn = self._job.info.get("dsn")
            self._folder = self._spool.begin(self.id, files_of(self._meta, text, dump, dsn))
        except SpoolError as error:
            self._note(error)

    def _dump(self, text: bytes) -> Optional[bytes]:
        if self._snapshot is None:
            return None
        try:
            dump, errors = write_dump(self._snapshot, text)
        except Exception as error:
            self._meta["reporter"]["captureError"] = f"dump: {type(error).__name__}: {error}"
            return None
        self._meta["reporter"]["errors"].extend(errors)
        limit = int(float(self._job.info.get("maxDumpMb", 8)) * MIB)
        if len(dump) > limit:
            self._meta["reporter"]["errors"].append(f"dump of {len(dump)} bytes left out (limit max_dump_mb)")
            return None
        return dump

    def _note(self, error: Exception) -> None:
        self.trouble = f"not kept: {error}"

    @property
    def kept(self) -> bool:
        """Whether the spool has it."""
        return self._folder is not None and not self.trouble


def _options(info: Fields) -> CaptureOptions:
    version = info.get("version")
    return CaptureOptions(
        python_memory=bool(info.get("pythonMemory", True)),
        send_argv=bool(info.get("sendArgv", False)),
        send_environ=bool(info.get("sendEnviron", False)),
        python_version=(int(version[0]), int(version[1])) if version else None,
    )


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
    maps_text = procfs.read_file(f"/proc/{pid}/maps", 4 << 20)
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


def handle_request(job: Job, text: bytes, tid: int, kind: str = "dump") -> Optional[str]:
    """A dump of a process that lives on. Answers the report's id, None when it could not be kept."""
    arm_deadline()
    held = hold(job.pid)
    report = Report(job, job.pid, held, time.monotonic(), kind)
    try:
        report.take(lambda source, _: requested(source, tid))
    finally:
        held.release()
    report.finish(text)
    return report.id if report.kept else None


def handle_exception(job: Job, text: bytes) -> Optional[str]:
    """A traceback that ended the program, or a thread of it. Answers the report's id."""
    arm_deadline()
    report = Report(job, job.pid, ProcfsHeld(job.pid, ""), time.monotonic(), "exception")
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
