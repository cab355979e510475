"""Traces a process, as strace -f does, and lets everything through: a second tracer is refused. `tracer.py PID`"""

from __future__ import annotations

import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
SEIZE, CONT, TRACE_CLONE = 0x4206, 7, 8

pid = int(sys.argv[1])
for name in os.listdir(f"/proc/{pid}/task"):
    if libc.ptrace(SEIZE, int(name), None, TRACE_CLONE) != 0:
        raise SystemExit(f"cannot trace {name}: errno {ctypes.get_errno()}")
print("tracing", flush=True)
while True:
    try:
        tid, status = os.waitpid(-1, 0x40000000)
    except ChildProcessError:
        break
    if os.WIFSTOPPED(status):
        libc.ptrace(CONT, tid, None, 0 if status >> 16 else os.WSTOPSIG(status))
