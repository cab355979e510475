"""The registers of every thread, and the stack of the crashed one, against gdb on the kernel's core of the same process."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from conftest import PYTHONS, App, Report, version_of
from test_scenarios import CAUSES, FULL, thread_rows

SCRIPT = Path(__file__).resolve().parent / "core_stacks.py"
COMMAND = Path(__file__).resolve().parents[2] / "packages" / "cli" / "bin" / "faultline.cjs"
CONTEXT = {"rbx": 144, "rsp": 152, "rbp": 160, "r12": 216, "r13": 224, "r14": 232, "r15": 240, "rip": 248}
SAME_STACK = ("segv_null", "abort", "qsort", "in_thread", "segv_noncanonical")
FEW = ("qsort", "busy_threads")

pytestmark = [
    pytest.mark.skipif(shutil.which("gdb") is None, reason="no gdb here"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the table of registers is x86-64's"),
    pytest.mark.skipif(
        "/" in Path("/proc/sys/kernel/core_pattern").read_text(), reason="cores do not go to the current folder here"
    ),
]

CASES = [
    pytest.param(python, name, id=f"{version_of(python)}-{name}")
    for python in PYTHONS
    for name in CAUSES
    if name not in ("overflow", "overflow_in_thread") and (FULL or (name in FEW and python == sys.executable))
]


def core_of(app: App, name: str, python: str, **how: Any) -> Path:
    shell = f"ulimit -c unlimited; exec {python} {app_script()} {name}"
    process = subprocess.run(
        ["sh", "-c", shell],
        cwd=app.folder,
        env=app.environment({}, {}),
        capture_output=True,
        timeout=60,
        check=False,
        **how,
    )
    assert process.returncode < 0, process.stderr
    (core,) = app.folder.glob("core*")
    return core


def app_script() -> Path:
    return Path(__file__).resolve().parent / "crashes.py"


def gdb_of(python: str, core: Path) -> Dict[str, Any]:
    program = str(Path(python).resolve())
    ran = subprocess.run(
        ["gdb", "-q", "-batch", "-nx", "-x", str(SCRIPT), program, str(core)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = next(line for line in ran.stdout.splitlines() if line.startswith("JSON"))
    value: Dict[str, Any] = json.loads(line[4:])
    return value


def registers_of(dump: bytes) -> Dict[int, Dict[str, int]]:
    found = {}
    for row in thread_rows(dump):
        tid, size, rva = row[0], row[8], row[9]
        if size:
            found[tid] = {name: struct.unpack_from("<Q", dump, rva + at)[0] for name, at in CONTEXT.items()}
    return found


def stackwalk(report: Report, python: str) -> Optional[List[int]]:
    """The crashed thread's native pcs by `faultline stackwalk`; None where the command does not run."""
    node = shutil.which("node")
    if node is None or not COMMAND.exists():
        return None
    folders = [str(Path(python).resolve().parents[1]), "/usr/lib"]
    search = [argument for folder in folders for argument in ("--symbols", folder)]
    ran = subprocess.run(
        [
            node,
            str(COMMAND),
            "stackwalk",
            str(report.path / "crash.dmp"),
            *search,
            "--cache",
            str(report.path.parents[2] / "cache"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if ran.returncode != 0:
        return None
    walked = json.loads(ran.stdout)
    stack = walked["threads"][walked["crashingThread"]]["stack"]
    return [int(frame["pc"], 16) for frame in stack if frame["language"] == "native" and not frame["inline"]]


@pytest.mark.parametrize(("python", "name"), CASES)
def test_registers_and_stack_are_those_of_the_core(app: App, python: str, name: str) -> None:
    core = core_of(app, name, python)
    (report,) = app.reports()
    expected = gdb_of(python, core)
    found = registers_of(report.dump)
    crashed = report.meta["reporter"]["crashingThread"]
    by_tid = {thread["tid"]: thread for thread in expected["threads"]}
    assert set(found) == set(by_tid)
    assert found[crashed] == by_tid[crashed]["registers"]
    for tid, thread in by_tid.items():
        if tid != crashed and name != "busy_threads":
            assert found[tid]["rsp"] == thread["registers"]["rsp"]
    if FULL:
        compare_walk(report, python, by_tid[crashed]["pcs"])


def compare_walk(report: Report, python: str, pcs: List[int]) -> None:
    walked = stackwalk(report, python)
    if walked is None:
        pytest.skip("`faultline stackwalk` does not run here")
    physical = [pc for index, pc in enumerate(walked) if index == 0 or pc != walked[index - 1]]
    assert physical[: len(pcs)] == pcs
