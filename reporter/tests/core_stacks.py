"""Run inside gdb: every thread of a core as JSON, physical frames only, those of a signal's handler cut off."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator

import gdb

REGISTERS = ("rip", "rsp", "rbp", "rbx", "r12", "r13", "r14", "r15")


def frames() -> Iterator[Any]:
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        yield frame
        try:
            frame = frame.older()
        except gdb.error:
            return


def thread_of(thread: Any) -> Dict[str, Any]:
    thread.switch()
    stack = [frame for frame in frames() if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)]
    signals = [at for at, frame in enumerate(stack) if frame.type() == gdb.SIGTRAMP_FRAME]
    rest = stack[signals[0] + 1 :] if signals else stack
    registers = {}
    if rest:
        rest[0].select()
        for name in REGISTERS:
            try:
                registers[name] = int(rest[0].read_register(name)) & (1 << 64) - 1
            except gdb.error:
                continue
    return {"tid": thread.ptid[1], "registers": registers, "pcs": [frame.pc() for frame in rest][:4000]}


gdb.execute("set pagination off")
gdb.execute("set backtrace limit 5000")
threads = [thread_of(thread) for thread in gdb.selected_inferior().threads()]
siginfo = {}
try:
    info = gdb.parse_and_eval("$_siginfo")
    siginfo = {"signal": int(info["si_signo"]), "code": int(info["si_code"])}
except gdb.error:
    pass
print("JSON" + json.dumps({"threads": threads, "siginfo": siginfo}))
