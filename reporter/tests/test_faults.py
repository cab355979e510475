"""Whatever happens to the reporter, the application dies as it would have, and soon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

from conftest import CRASHES, App, Service
from test_scenarios import check_threads, thread_rows

AT_ONCE_S = 10.0
"""A bound, not a measurement: without the layer under test the process would wait a minute, or for ever."""


def ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["pid"] == process.pid


def tell(process: "subprocess.Popen[str]") -> float:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return time.monotonic()


def ended(process: "subprocess.Popen[str]", since: float, timeout: float = 40) -> Tuple[int, float]:
    status = process.wait(timeout)
    return status, time.monotonic() - since


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[App, "subprocess.Popen[str]", float]]:
    """A crash while the monitor is stopped, begun before the other tests: the kernel's timer takes its time."""
    app = App(tmp_path_factory.mktemp("stopped"))
    process = app.start("crash_on_input")
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGSTOP)
    yield app, process, tell(process)
    app.close()


@pytest.fixture(scope="module")
def stopped_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[App, "subprocess.Popen[str]", float]]:
    """A crash whose worker is stopped as soon as it appears: it does not hear its own alarm."""
    app = App(tmp_path_factory.mktemp("worker"))
    process = app.start("crash_on_input")
    ready(process)
    monitor = app.wait_for_monitor()
    hunter = threading.Thread(target=_signal_children, args=(monitor, signal.SIGSTOP, process), daemon=True)
    hunter.start()
    yield app, process, tell(process)
    app.close()
    hunter.join()


def _signal_children(pid: int, number: int, until: "subprocess.Popen[str]") -> None:
    """Each child of process `pid`, as soon as it is there, until the other process has ended."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while until.poll() is None:
        try:
            for child in children.read_text().split():
                os.kill(int(child), number)
            time.sleep(0.0002)
        except OSError:
            continue


@pytest.mark.usefixtures("stopped", "stopped_worker")
def test_a_dead_monitor(app: App) -> None:
    process = app.start("crash_on_input")
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGKILL)
    status, seconds = ended(process, tell(process))
    assert status == -signal.SIGSEGV
    assert seconds < AT_ONCE_S


def test_a_dead_monitor_and_sigpipe_at_its_default(app: App) -> None:
    process = app.start("pipe_signal_on_input")
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGKILL)
    status, seconds = ended(process, tell(process))
    assert (status, seconds < AT_ONCE_S) == (-signal.SIGSEGV, True)


def test_a_dead_monitor_at_the_time_of_a_fork(app: App) -> None:
    process = app.start("fork_on_input")
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGKILL)
    app.wait_until_gone()
    tell(process)
    out, err = process.communicate(timeout=10)
    assert json.loads(out.strip())["status"] & 0x7F == signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in err


@pytest.mark.parametrize("delay", [0, 0.001, 0.002, 0.004, 0.007, 0.012])
def test_the_monitor_and_its_workers_killed_while_they_work(app: App, delay: float) -> None:
    process = app.start("crash_on_input")
    ready(process)
    monitor = app.wait_for_monitor()
    since = tell(process)
    time.sleep(delay)
    os.kill(monitor, signal.SIGKILL)
    for worker in app.monitors():
        os.kill(worker, signal.SIGKILL)
    status, seconds = ended(process, since)
    assert (status, seconds < AT_ONCE_S) == (-signal.SIGSEGV, True)
    for report in app.reports(0, 0):
        assert report.meta["pid"] == process.pid
        assert report.dump


def test_workers_killed_as_soon_as_they_appear(app: App) -> None:
    process = app.start("crash_on_input")
    ready(process)
    monitor = app.wait_for_monitor()
    hunter = threading.Thread(target=_signal_children, args=(monitor, signal.SIGKILL, process))
    hunter.start()
    status, seconds = ended(process, tell(process))
    hunter.join()
    assert (status, seconds < AT_ONCE_S) == (-signal.SIGSEGV, True)


def test_a_monitor_that_hangs_is_killed_where_the_host_asked_for_it(app: App) -> None:
    process = app.start("crash_on_input", options={"hang_guard": 2})
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGSTOP)
    status, seconds = ended(process, tell(process))
    assert status == -signal.SIGSEGV
    assert seconds < 2 + AT_ONCE_S


def test_a_worker_that_is_stuck_is_killed_by_its_alarm() -> None:
    script = "from faultline._worker import arm_deadline; import time; arm_deadline(0.2); time.sleep(30)"
    source = str(CRASHES.parent.parent / "src")
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": source}, timeout=10, check=False
    )
    assert ran.returncode == -signal.SIGALRM


@pytest.mark.parametrize("how", ["a file", "another user's", "full"])
def test_a_spool_that_cannot_be_written(app: App, how: str) -> None:
    unmount = _spoil(app.spool, how)
    try:
        ran = app.run("segv_null")
        assert ran.status == -signal.SIGSEGV
        assert ran.seconds < AT_ONCE_S
        assert "Fatal Python error: Segmentation fault" in ran.err
        assert "faultline: not kept: " in ran.err
        app.wait_until_gone()
    finally:
        unmount()


def _spoil(spool: Path, how: str) -> Any:
    if how == "a file":
        spool.write_text("in the way")
        return lambda: None
    if os.geteuid() != 0:
        pytest.skip("needs root")
    spool.mkdir()
    if how == "another user's":
        os.chown(spool, 65534, 65534)
        return lambda: None
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(spool)], check=False).returncode != 0:
        pytest.skip("cannot mount here")
    return lambda: subprocess.run(["umount", "-l", str(spool)], check=True)


def test_nobody_reads_the_stderr(app: App) -> None:
    process = app.start("stderr_full")
    ready(process)
    status, seconds = ended(process, tell(process))
    assert status == -signal.SIGSEGV
    assert seconds < 1 + AT_ONCE_S
    assert len(app.reports()) == 1


def test_programs_that_die_at_the_same_time(app: App) -> None:
    """They share one monitor, which handles each while it handles the others."""
    first = app.start("crash_on_input")
    ready(first)
    app.wait_for_monitor()
    name = _monitor_name(first.pid)
    at = str(time.time() + 1.0)
    others = [app.start("crash_soon", FAULTLINE_MONITOR=name, FAULTLINE_TEST_AT=at) for _ in range(5)]
    for process in others:
        assert process.wait(10) == -signal.SIGSEGV
    assert len(app.monitors()) == 1
    ended(first, tell(first))
    pids = {process.pid for process in [first, *others]}
    assert {report.meta["pid"] for report in app.reports(6)} == pids


def _monitor_name(pid: int) -> str:
    """Its environ shows what it was started with, not what it has set since: the kernel's list of sockets knows."""
    names = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "@faultline-" in line]
    for name in names:
        found = name[1:]
        if any(found in Path(f"/proc/{one}/cmdline").read_text() for one in _descendants_of_init(pid)):
            return found
    raise AssertionError("no monitor listens")


def _descendants_of_init(pid: int) -> List[int]:
    """Monitors whose environment is that of process `pid`."""
    folder = Path(f"/proc/{pid}/cwd").resolve()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (path / "environ").read_bytes(), (path / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in environment and b"faultline._monitor" in command:
            found.append(int(path.name))
    return found


def test_a_process_that_is_traced_already(app: App) -> None:
    """ptrace(2) is refused: the dump is made from what procfs tells."""
    process = app.start("crash_on_input")
    ready(process)
    app.wait_for_monitor()
    tracer = subprocess.Popen(
        [sys.executable, str(CRASHES.parent / "tracer.py"), str(process.pid)], stdout=subprocess.PIPE, text=True
    )
    assert tracer.stdout is not None
    assert tracer.stdout.readline() == "tracing\n"
    status, seconds = ended(process, tell(process))
    tracer.wait(10)
    tracer.stdout.close()
    assert status == -signal.SIGSEGV
    (report,) = app.reports()
    assert report.meta["reporter"]["capture"] == "procfs"
    assert report.signal == "SIGSEGV"
    check_threads_without_idents(report)
    assert seconds < AT_ONCE_S


def check_threads_without_idents(report: Any) -> None:
    (row,) = thread_rows(report.dump)
    assert row[6] > 1000, "a stack"
    assert row[9] > 0, "registers"


def test_a_process_of_another_user(app: App) -> None:
    """Where nothing may be looked into there is the text."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv here")
    os.chmod(app.folder, 0o777)
    for folder in app.folder.parents:
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    python = "/usr/bin/python3"
    if not os.access(python, os.X_OK) or sys.version_info < (3, 8):
        pytest.skip("no python3 that another user can run")
    drop = (setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
    ran = app.run("segv_null", python=python, prefix=drop)
    assert ran.status == -signal.SIGSEGV, ran.err
    (report,) = app.reports()
    assert report.meta["reporter"]["capture"] == "ptrace"
    check_threads(report)


def test_descriptors_closed_and_reused_by_the_application(app: App) -> None:
    ran = app.run("closes_everything")
    assert ran.status == 0, ran.err
    assert ran.answer == {"own": 0, "alive": False}


def test_ensure_starts_another_monitor(app: App) -> None:
    process = app.start("ensure_on_input")
    ready(process)
    os.kill(app.wait_for_monitor(), signal.SIGKILL)
    time.sleep(0.1)
    tell(process)
    out, _ = process.communicate(timeout=10)
    assert json.loads(out.strip().splitlines()[-1]) == {"before": False, "ensured": True}
    assert process.returncode == -signal.SIGSEGV
    assert len(app.reports()) == 1


def test_pid_1_of_a_container(app: App) -> None:
    """Its death kills the monitor too: everything is on disk before it may die."""
    unshare = shutil.which("unshare")
    prefix = (str(unshare), "--pid", "--fork", "--mount-proc", "--kill-child")
    if unshare is None or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("cannot make a PID namespace here")
    ran = app.run("segv_null", prefix=prefix)
    assert ran.status in (-signal.SIGSEGV, 128 + signal.SIGSEGV), ran.err
    (report,) = app.reports()
    assert report.meta["pid"] == 1
    assert report.meta["reporter"]["capture"] == "ptrace"
    assert "Fatal Python error: Segmentation fault" in ran.err


def test_a_monitor_asked_to_stop_watches_on_and_then_does_not_linger(app: App, service: Service) -> None:
    """As systemd does with all processes of a unit."""
    service.delay = 20
    process = app.start("crash_on_input", options={"dsn": service.dsn})
    ready(process)
    monitor = app.wait_for_monitor()
    os.kill(monitor, signal.SIGTERM)
    time.sleep(0.2)
    assert app.monitors() == [monitor]
    assert ended(process, tell(process))[0] == -signal.SIGSEGV
    app.wait_until_gone(3)
    assert len(app.reports()) == 1


@pytest.mark.parametrize("how", ["refuses connections", "answers 500", "hangs", "cuts"])
def test_a_service_in_trouble_loses_nothing_and_gets_nothing_twice(app: App, service: Service, how: str) -> None:
    dsn = service.dsn
    if how == "refuses connections":
        dsn = "http://KEY@127.0.0.1:1/1"
    service.status = 500 if how == "answers 500" else 200
    service.delay = 2.0 if how == "hangs" else 0.0
    service.cut = how == "cuts"
    ran = app.run("segv_null", options={"dsn": dsn})
    assert (ran.status, ran.seconds < AT_ONCE_S) == (-signal.SIGSEGV, True)
    (report,) = app.reports()
    identity = report.path.name
    if how != "refuses connections":
        assert service.wait()
    if how == "hangs":
        for pid in app.monitors():
            os.kill(pid, signal.SIGKILL)
        service.delay = 0
        time.sleep(0.1)
    from faultline._uploader import NOTHING_LEFT, deliver

    for pid in app.monitors():
        os.kill(pid, signal.SIGKILL)
    app.wait_until_gone()
    time.sleep(0.2)  # a process that is killed lets go of its memory before it lets go of its locks
    service.status, service.cut = 200, False
    before = len(service.received)
    assert deliver(str(app.spool), dsn=service.dsn, everything=True) == NOTHING_LEFT
    assert deliver(str(app.spool), dsn=service.dsn, everything=True) == NOTHING_LEFT
    sent = service.received[before:]
    assert [one.metadata["id"] for one in sent] == [identity]
    assert app.reports(0, 0) == []


def test_a_stopped_worker_is_killed_by_the_monitor(
    stopped_worker: Tuple[App, "subprocess.Popen[str]", float],
) -> None:
    from faultline._limits import WORKER_DEADLINE_S, WORKER_GRACE_S

    _, process, since = stopped_worker
    status, seconds = ended(process, since)
    assert status == -signal.SIGSEGV
    assert seconds < WORKER_DEADLINE_S + WORKER_GRACE_S + 60


def test_a_stopped_monitor_is_woken_by_the_kernel(stopped: Tuple[App, "subprocess.Popen[str]", float]) -> None:
    from faultline._limits import NUDGE_S

    app, process, since = stopped
    status, seconds = ended(process, since)
    assert status == -signal.SIGSEGV
    assert seconds < NUDGE_S + 60
    (report,) = app.reports()
    assert report.signal == "SIGSEGV"
    check_threads(report)
