"""Every way to die, on every interpreter at hand: text and dump are there, the exit status is what it would have been."""

from __future__ import annotations

import os
import re
import struct
import sys
from typing import Dict, List, Optional, Tuple

import pytest

from conftest import PYTHONS, App, Report, version_of
from faultline._memory import RangeMemory
from faultline._python_stacks import Runtime, walk

CAUSES: Dict[str, Tuple[str, int, Optional[int]]] = {
    "segv_null": ("SIGSEGV", 1, 0),
    "segv_write": ("SIGSEGV", 1, 0x123456),
    "segv_text": ("SIGSEGV", 2, None),
    "segv_noncanonical": ("SIGSEGV", 0x80, 0),
    "jump_null": ("SIGSEGV", 1, 0x10),
    "abort": ("SIGABRT", -6, None),
    "double_free": ("SIGABRT", -6, None),
    "div_zero": ("SIGFPE", 1, None),
    "illegal": ("SIGILL", 2, None),
    "bus": ("SIGBUS", 2, None),
    "qsort": ("SIGSEGV", 1, 0),
    "in_thread": ("SIGSEGV", 1, 0),
    "busy_threads": ("SIGSEGV", 1, 0),
    "c_thread": ("SIGSEGV", 1, 0),
    "overflow": ("SIGSEGV", 1, None),
    "overflow_in_thread": ("SIGSEGV", 2, None),
    "kill_self": ("SIGSEGV", 0, 0),
    "at_exit": ("SIGSEGV", 1, 0),
}
NUMBERS = {"SIGSEGV": 11, "SIGABRT": 6, "SIGFPE": 8, "SIGILL": 4, "SIGBUS": 7}
EVERYWHERE = ("segv_null", "abort", "busy_threads", "qsort", "overflow_in_thread")
FULL = os.environ.get("FAULTLINE_TEST_FULL") == "1"

CASES = [
    pytest.param(python, name, id=f"{version_of(python)}-{name}")
    for python in PYTHONS
    for name in CAUSES
    if FULL or python == sys.executable or name in EVERYWHERE
]


@pytest.mark.parametrize(("python", "name"), CASES)
def test_a_death_is_captured(app: App, python: str, name: str) -> None:
    signal_name, code, address = CAUSES[name]
    ran = app.run(name, python=python)
    assert ran.status == -NUMBERS[signal_name], ran.err
    (report,) = app.reports()
    assert report.meta["pid"] == ran.pid
    found = report.meta["reporter"]
    assert found["capture"] == "ptrace", found
    assert found["errors"] == []
    assert found["signal"]["name"] == signal_name
    assert found["signal"]["code"] == code
    if address is not None:
        assert int(found["signal"]["address"], 16) == address
    assert report.text.startswith("Fatal Python error: ")
    assert report.text in ran.err
    check_threads(report)


def streams(dump: bytes) -> Dict[int, bytes]:
    """Read with nothing of the reporter's own."""
    signature, _, count, directory = struct.unpack_from("<IIII", dump)
    assert signature == 0x504D444D
    found = {}
    for index in range(count):
        kind, size, rva = struct.unpack_from("<III", dump, directory + 12 * index)
        assert rva + size <= len(dump)
        found[kind] = dump[rva : rva + size]
    return found


def thread_rows(dump: bytes) -> List[Tuple[int, ...]]:
    data = streams(dump)[3]
    return [struct.unpack_from("<IIIIQQIIII", data, 4 + 48 * row) for row in range(int.from_bytes(data[:4], "little"))]


def check_threads(report: Report) -> None:
    """Each thread of the text is one of the dump, by its ident; every range lies in the file, none overlaps another."""
    rows = thread_rows(report.dump)
    bases = {row[4] for row in rows}
    if "no Python frame" not in report.text:
        idents = [int(text, 16) for text in re.findall(r"hread (0x[0-9a-f]+) ", report.text)]
        assert set(idents) <= bases, (idents, bases)
    crashed = report.meta["reporter"]["crashingThread"]
    assert crashed in [row[0] for row in rows]
    assert all(row[9] for row in rows if row[0] == crashed)
    memory = streams(report.dump)[5]
    end = 0
    for index in range(int.from_bytes(memory[:4], "little")):
        start, size, rva = struct.unpack_from("<QII", memory, 4 + 16 * index)
        assert start >= end
        assert rva + size <= len(report.dump)
        end = start + size


def ranges(dump: bytes) -> List[Tuple[int, bytes]]:
    data = streams(dump)[5]
    rows = [struct.unpack_from("<QII", data, 4 + 16 * row) for row in range(int.from_bytes(data[:4], "little"))]
    return [(start, dump[rva : rva + size]) for start, size, rva in rows]


def frames_of_text(text: str) -> Dict[int, List[Tuple[str, str]]]:
    """Thread's ident → file and name of each frame, innermost first."""
    found: Dict[int, List[Tuple[str, str]]] = {}
    current: List[Tuple[str, str]] = []
    for line in text.splitlines():
        thread = re.search(r"hread (0x[0-9a-f]+) ", line)
        frame = re.fullmatch(r'  File "(.*)", line \d+ in (.*)', line)
        if thread:
            current = found[int(thread.group(1), 16)] = []
        elif frame:
            current.append((frame.group(1), frame.group(2)))
    return found


@pytest.mark.parametrize("python", [pytest.param(one, id=version_of(one)) for one in PYTHONS])
def test_python_frames_are_in_the_dump(app: App, python: str) -> None:
    """Walked in nothing but the dump's memory they are what faulthandler printed, for every thread."""
    app.run("busy_threads", python=python)
    (report,) = app.reports()
    version = [int(part) for part in report.meta["pythonVersion"].split(".")]
    runtime = Runtime(int(report.meta["reporter"]["pythonRuntime"], 16), (version[0], version[1]))
    threads = walk(RangeMemory(ranges(report.dump)), runtime)
    assert threads is not None
    printed = frames_of_text(report.text)
    assert len(printed) >= 9
    crashed = next(ident for ident in printed if ident in _idents(report, report.meta["reporter"]["crashingThread"]))
    for thread in threads:
        walked = [(frame.file, frame.name) for frame in thread.frames]
        if thread.ident == crashed or walked[0][1] != "busy":
            assert walked == printed[thread.ident]
    assert {thread.ident for thread in threads} == set(printed)
    assert sum(len(data) for _, data in ranges(report.dump)) < 600_000


def _idents(report: Report, tid: int) -> List[int]:
    return [row[4] for row in thread_rows(report.dump) if row[0] == tid]


def test_two_hundred_threads(app: App) -> None:
    ran = app.run("many_threads")
    assert ran.status == -11
    (report,) = app.reports()
    assert len(thread_rows(report.dump)) == 201
    assert report.text.count("most recent call first") >= 100


@pytest.mark.parametrize(("name", "status"), [("clean", 3), ("terminated", -15)])
def test_an_orderly_end_is_not_reported(app: App, name: str, status: int) -> None:
    assert app.run(name).status == status
    app.wait_until_gone()
    assert app.reports(1, 0) == []


def test_a_death_without_a_handler_is_told_by_its_signal(app: App) -> None:
    if not _kernel_tells():
        pytest.skip("the kernel does not tell how a process died that is not our child (before Linux 6.15)")
    assert app.run("killed").status == -9
    (report,) = app.reports()
    assert report.meta["kind"] == "exit"
    assert report.meta["reporter"]["signal"]["number"] == 9
    exception = streams(report.dump)[6]
    assert struct.unpack_from("<IIII", exception)[2] == 9


def _kernel_tells() -> bool:
    major, minor = (int(part) for part in os.uname().release.split(".")[:2])
    return (major, minor) >= (6, 15)


@pytest.mark.parametrize("python", [pytest.param(one, id=version_of(one)) for one in PYTHONS])
def test_a_fatal_python_error(app: App, python: str) -> None:
    ran = app.run("fatal_error", python=python, options={"capture_fatal": True})
    assert ran.status == -6
    assert ran.seconds < 6, "the sleep was cut short"
    assert "made up by a test" in ran.err
    (report,) = app.reports()
    assert report.meta["kind"] == "fatal"
    assert report.signal == "SIGABRT"
    check_threads(report)


def test_an_ordinary_abort_does_not_sleep_for_it(app: App) -> None:
    ran = app.run("abort", options={"capture_fatal": True})
    assert ran.status == -6
    assert ran.seconds < 6, "the sleep was cut short"
    assert app.reports()[0].signal == "SIGABRT"


@pytest.mark.parametrize("name", ["python_fork", "c_fork"])
def test_only_the_child_that_died_is_reported(app: App, name: str) -> None:
    ran = app.run(name)
    assert ran.status == 0
    assert ran.answer["status"] & 0x7F == 11
    reports = app.reports()
    assert [report.meta["pid"] for report in reports] == [ran.answer["child"]]
    app.wait_until_gone()
    assert len(app.reports()) == 1


def test_workers_of_a_prefork_server_die_in_turn(app: App) -> None:
    ran = app.run("prefork")
    assert ran.status == 0
    assert sorted(report.meta["pid"] for report in app.reports(4)) == sorted(ran.answer["children"])


def test_a_fork_storm(app: App) -> None:
    ran = app.run("fork_storm")
    assert ran.status == 0
    statuses = ran.answer["statuses"]
    assert [status & 0x7F for status in statuses[::4]] == [11] * 10
    assert all(status == 0 for index, status in enumerate(statuses) if index % 4)
    assert len(app.reports(10)) == 10


def test_a_spawned_python_shares_the_monitor(app: App) -> None:
    ran = app.run("spawned_child")
    assert ran.answer["status"] == -11
    (report,) = app.reports()
    assert report.meta["pid"] == ran.answer["child"]


def test_uninstall_puts_everything_back(app: App) -> None:
    ran = app.run("uninstalled")
    assert ran.status == -11
    assert ran.answer["enabled"] is False
    assert ran.answer["status"]["installed"] is False
    assert "Fatal Python error" not in ran.err
    app.wait_until_gone()
    assert app.reports(1, 0) == []


def test_uninstall_puts_sigabrt_back(app: App) -> None:
    ran = app.run("uninstalled_abort", options={"capture_fatal": True})
    assert ran.status == -6
    assert ran.seconds < 6, "nothing sleeps any more"


def test_an_exception_is_kept_without_a_monitor(app: App) -> None:
    ran = app.run("exception", options={"exceptions": True, "python": "/no/such/python"})
    assert ran.status == 1
    assert [report.meta["kind"] for report in app.reports()] == ["exception"]


def test_capture_now(app: App) -> None:
    ran = app.run("captured_now")
    assert ran.status == 0
    (report,) = app.reports()
    assert report.path.name == ran.answer["id"]
    assert report.meta["kind"] == "dump"
    assert "in captured_now" in report.text
    assert len(thread_rows(report.dump)) == 2
    assert struct.unpack_from("<IIII", streams(report.dump)[6])[2] == 0xFFFFFFFF


@pytest.mark.parametrize("name", ["exception", "exception_in_thread", "exception_in_task", "unraisable"])
def test_an_exception_nobody_handled(app: App, name: str) -> None:
    ran = app.run(name, options={"exceptions": True})
    assert ran.status == (1 if name == "exception" else 0)
    (report,) = app.reports()
    assert report.meta["kind"] == "exception"
    assert report.text.startswith("Traceback (most recent call last):\n")
    assert report.text.rstrip().splitlines()[-1].startswith("ValueError: nobody")
    assert "ValueError: nobody" in ran.err
