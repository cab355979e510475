"""
What the reporter costs. Prints install time, memory, freeze times, overhead, sizes. Run it on a quiet machine.

    python bench.py [--large]      --large adds a process of 4 GB
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

HERE = Path(__file__).resolve().parent
CRASHES = HERE / "tests" / "crashes.py"
ROUNDS = 7

INSTALL = """
import json, sys, time
started = time.perf_counter()
import faultline
imported = time.perf_counter()
faultline.install(spool=sys.argv[1], upload=False)
print(json.dumps([imported - started, time.perf_counter() - imported]))
"""
IDLE = """
import faultline, sys, time
faultline.install(spool=sys.argv[1], upload=False)
print("ready", flush=True)
time.sleep(60)
"""
BUSY = """
import sys, threading, time
if len(sys.argv) > 1:
    import faultline
    faultline.install(spool=sys.argv[1], upload=False)
    time.sleep(0.3)
def work():
    total = 0
    for number in range(1_500_000):
        total += number % 7
    return total
started = time.process_time()
work()
print(time.process_time() - started)
"""
FORK = """
import os, sys, time
if len(sys.argv) > 1:
    import faultline
    faultline.install(spool=sys.argv[1], upload=False)
    time.sleep(0.3)
times = []
for _ in range(50):
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    times.append(time.perf_counter() - started)
print(sorted(times)[25])
"""
LARGE = """
import ctypes, sys, faultline
faultline.install(spool=sys.argv[1], upload=False)
blocks = [bytearray(64 << 20) for _ in range(64)]
for block in blocks:
    block[::4096] = bytes(len(block) // 4096 + (len(block) % 4096 > 0))
ctypes.string_at(0)
"""


def environment(**extra: str) -> Dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE / "src"), **extra}


def python(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False).stdout


def milliseconds(values: List[float]) -> str:
    return f"{statistics.median(values) * 1000:.1f} ms (best {min(values) * 1000:.1f})"


def install_time(folder: str) -> None:
    rows = [json.loads(python(INSTALL, folder)) for _ in range(ROUNDS)]
    print(f"import faultline                 {milliseconds([row[0] for row in rows])}")
    print(f"install()                        {milliseconds([row[1] for row in rows])}")


def memory(folder: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", IDLE, folder], env=environment(), stdout=subprocess.PIPE)
    try:
        time.sleep(1.0)
        (monitor,) = [pid for pid in _pids() if _is_monitor(pid, folder, process.pid)]
        rollup = _fields(Path(f"/proc/{monitor}/smaps_rollup").read_text())
        before = _fields(Path(f"/proc/{monitor}/status").read_text())["voluntary_ctxt_switches"]
        time.sleep(5.0)
        after = _fields(Path(f"/proc/{monitor}/status").read_text())["voluntary_ctxt_switches"]
        private = (rollup["Private_Clean"] + rollup["Private_Dirty"]) / 1024
        print(
            f"monitor: RSS, PSS, private       {rollup['Rss'] / 1024:.1f}, {rollup['Pss'] / 1024:.1f}, {private:.1f} MB"
        )
        print(f"monitor: wakeups in 5 s          {after - before}")
    finally:
        process.kill()
        process.wait()


def _pids() -> List[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _is_monitor(pid: int, folder: str, parent: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        watched = any(f"Pid:\t{parent}\n" in path.read_text() for path in Path(f"/proc/{pid}/fdinfo").glob("*"))
    except OSError:
        return False
    return b"faultline._monitor" in command and watched and bool(folder)


def _fields(text: str) -> Dict[str, int]:
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0].endswith(":") and words[1].isdigit():
            found[words[0][:-1]] = int(words[1])
    return found


def freeze(threads: int) -> None:
    rows = [_crash("crash_on_input" if threads == 1 else "many_threads", threads) for _ in range(ROUNDS)]
    dump, packed = rows[0]["dump"] / 1024, rows[0]["gzip"] / 1024
    print(f"freeze, {threads:3} threads              {milliseconds([row['freeze'] for row in rows])}", end=", ")
    print(f"dump {dump:.0f} KB, gzip {packed:.0f} KB")
    if threads == 1:
        print(f"from the crash to the end        {milliseconds([row['seconds'] for row in rows])}")


def _crash(name: str, threads: int) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = json.dumps({"spool": folder, "upload": False})
        extra = {
            "FAULTLINE_TEST_OPTIONS": options,
            "FAULTLINE_TEST_DIR": folder,
            "FAULTLINE_TEST_THREADS": str(threads - 1),
        }
        process = subprocess.Popen(
            [sys.executable, str(CRASHES), name],
            env=environment(**extra),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.4)
        started = time.perf_counter()
        process.communicate(b"go\n", timeout=60)
        seconds = time.perf_counter() - started
        return {**_report(folder), "seconds": seconds}


def _report(folder: str) -> Dict[str, Any]:
    deadline = time.monotonic() + 10
    while not list(Path(folder, "new").glob("*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    (path,) = Path(folder, "new").glob("*")
    dump = (path / "crash.dmp").read_bytes()
    timings = json.loads((path / "meta.json").read_text())["reporter"]["timings"]
    return {"freeze": timings["freeze"] / 1000, "dump": len(dump), "gzip": len(gzip.compress(dump))}


def large() -> None:
    with tempfile.TemporaryDirectory() as folder:
        python(LARGE, folder)
        row = _report(folder)
        print(f"freeze, 4 GB                     {row['freeze'] * 1000:.1f} ms, dump {row['dump'] / 1024:.0f} KB")


def overhead(folder: str) -> None:
    for name, script in (("busy loop", BUSY), ("fork", FORK)):
        rows = [(float(python(script)), float(python(script, folder))) for _ in range(ROUNDS)]
        without, with_it = (statistics.median(row[index] for row in rows) * 1000 for index in (0, 1))
        print(
            f"{name:10} without, with        {without:8.2f}, {with_it:8.2f} ms ({(with_it / without - 1) * 100:+.1f} %)"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, Linux {os.uname().release}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        install_time(folder)
        memory(folder)
        overhead(folder)
    for threads in (1, 50, 200):
        freeze(threads)
    if options.large:
        large()


if __name__ == "__main__":
    main()
