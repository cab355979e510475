"""
Fatal Python errors and `capture_fatal`.

Py_FatalError() switches faulthandler off and calls abort(): our channel closes and no handler of faulthandler runs.
With `capture_fatal` the disposition of SIGABRT below faulthandler's is libc's sleep(): the process sleeps SIGABRT (6)
seconds inside the signal, which is time to capture it. Then it is woken: the sleep is made to return, abort() goes on,
and the process dies of SIGABRT as it would have.
"""

from __future__ import annotations

import time

from ._capture import Interrupted, Source, cpu_of_this_machine, interrupted_thread
from ._crash_report import CrashReport, Job
from ._hold import hold, sleeping_thread
from ._signals import SIGABRT
from ._worker import arm_deadline


def handle_fatal(job: Job) -> bool:
    """
    The channel of a live process ended.

    Answers whether it is dying; one that is merely finishing in good order is left alone.
    """
    arm_deadline()
    cpu = cpu_of_this_machine()
    if cpu is None:
        return False
    tid = sleeping_thread(job.pid, None, cpu)
    if tid is None:
        return False
    held = hold(job.pid)
    report = CrashReport(job, job.pid, held, time.monotonic(), "fatal")
    try:
        report.take(lambda source, _: _aborted(source, tid))
        report.finish(b"")
    finally:
        held.wake_from_sleep(tid, cpu)
        held.crashed, held.signal = tid, 0
        held.release()
    return True


def _aborted(source: Source, tid: int) -> Interrupted:
    return interrupted_thread(source, tid, SIGABRT, b"")
