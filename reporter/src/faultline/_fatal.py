"""
`capture_fatal`: time to look at a process that Py_FatalError() aborts.

libc's sleep() becomes the handler of SIGABRT below faulthandler's; called as a handler it sleeps for as many seconds as
the signal has for a number, and the monitor wakes it as soon as it is done. See `_fatal_worker.py`.
"""

from __future__ import annotations

import signal
from typing import Callable

from ._faulthandler import switch_off


def sleep_on_abort() -> Callable[[], None]:
    """
    To be called right before faulthandler is enabled: what faulthandler finds, it restores before it raises again.

    Returns:
        A callable that restores the default.

    Raises:
        OSError, AttributeError, ImportError: where there is no such libc.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.signal.restype = ctypes.c_void_p
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    switch_off()
    libc.signal(signal.SIGABRT, ctypes.cast(libc.sleep, ctypes.c_void_p))

    def restore() -> None:
        switch_off()
        libc.signal(signal.SIGABRT, None)

    return restore
