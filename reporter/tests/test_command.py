"""`python -m faultline`: what each command does, says, and exits with."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from conftest import CRASHES, SOURCE, App, Report, Service
from test_scenarios import streams, thread_rows

CRASH = "import ctypes; ctypes.string_at(0)"


class Command:
    """Runs it, with a spool and a service of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"

    def run(self, *arguments: str, stdin: bytes = b"", **environment: Any) -> "subprocess.CompletedProcess[bytes]":
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FAULTLINE_")}
        return subprocess.run(
            [sys.executable, "-m", "faultline", *arguments],
            env={**kept, "PYTHONPATH": str(SOURCE), "FAULTLINE_SPOOL_DIR": str(self.spool), **environment},
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def reports(self) -> List[Report]:
        return [Report(path) for path in sorted((self.spool / "new").glob("*"))]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_send_a_text_and_a_dump(command: Command, service: Service) -> None:
    (command.folder / "log").write_bytes(b"Fatal Python error: Aborted\n")
    (command.folder / "x.dmp").write_bytes(b"MDMP" + bytes(28))
    identity = "0192f3a1-0000-7000-8000-000000000001"
    how = ("--dsn", service.dsn, "--release", "3", "--tag", "a=b", "--host", "h9", "--id", identity)
    ran = command.run("send", *how, "x.dmp", "log")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == b"http://service/1\n"
    (request,) = service.received
    expected = {"id": identity, "release": "3", "host": "h9", "tags": {"a": "b"}}
    assert {key: request.metadata[key] for key in expected} == expected
    assert b"MDMP" in request.body
    assert b"Fatal Python error: Aborted" in request.body


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["send", "missing"], b"missing: No such file"),
        (["send", "-"], b"-: is empty"),
        (["send", "--tag", "x", "log"], b"--tag: wanted KEY=VALUE"),
        (["send", "log", "log"], b"a second text"),
    ],
)
def test_send_says_what_is_wrong(command: Command, service: Service, arguments: List[str], says: bytes) -> None:
    (command.folder / "log").write_bytes(b"x")
    ran = command.run(*arguments, FAULTLINE_DSN=service.dsn)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_send_tells_what_the_service_says(command: Command, service: Service) -> None:
    service.status, service.answer = 401, {"detail": "no such key"}
    ran = command.run("send", "-", stdin=b"x", FAULTLINE_DSN=service.dsn)
    assert (ran.returncode, ran.stderr) == (1, b"faultline: error: 401 no such key\n")


@pytest.mark.parametrize("arguments", [[], ["no-such"], ["spool"], ["core-handler"]])
def test_wrong_usage(command: Command, arguments: List[str]) -> None:
    assert command.run(*arguments).returncode == 2


def test_run_passes_everything_through(command: Command) -> None:
    ran = command.run(
        "run",
        "--",
        sys.executable,
        "-c",
        "import sys; sys.stderr.write('e'); print(input()); sys.exit(7)",
        stdin=b"in\n",
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, b"in\n", b"e")
    assert command.reports() == []
    missing = command.run("run", "--", "/no/such/program")
    assert missing.returncode == 1


def test_run_reports_a_crash_of_a_program_that_knows_nothing_of_it(command: Command) -> None:
    ran = command.run("run", "--release", "4", "--", sys.executable, "-c", CRASH)
    assert ran.returncode == -signal.SIGSEGV
    (report,) = command.reports()
    assert report.text.encode() in ran.stderr
    assert report.text.startswith("Fatal Python error: Segmentation fault")
    assert report.meta["release"] == "4"
    assert report.meta["reporter"]["capture"] == "run"


def test_run_reports_a_death_that_nothing_says_a_word_of(command: Command) -> None:
    ran = command.run("run", "--", "sh", "-c", "kill -9 $$")
    assert ran.returncode == -signal.SIGKILL
    (report,) = command.reports()
    assert struct.unpack_from("<IIII", streams(report.dump)[6])[2] == signal.SIGKILL


@pytest.mark.parametrize("name", ["segv_null", "killed"])
def test_run_leaves_it_to_a_reporter_inside(command: Command, name: str) -> None:
    """Whatever spool that has: one death is one report."""
    inner = command.folder / "inner"
    options = '{"spool": "%s"}' % inner
    ran = command.run(
        "run",
        "--",
        sys.executable,
        str(CRASHES),
        name,
        FAULTLINE_TEST_OPTIONS=options,
        FAULTLINE_TEST_DIR=str(command.folder),
    )
    assert ran.returncode == (-signal.SIGSEGV if name == "segv_null" else -signal.SIGKILL)
    found = [*command.reports(), *(Report(path) for path in (inner / "new").glob("*"))]
    assert [report.meta["reporter"]["capture"] for report in found] == ["ptrace" if name == "segv_null" else "run"]


def test_run_forwards_signals(command: Command) -> None:
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5)); print('ready', flush=True); time.sleep(20)"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FAULTLINE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "faultline", "run", "--spool", str(command.spool), "--", sys.executable, "-c", script],
        env={**kept, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 5
    process.stdout.close()


def test_doctor(command: Command) -> None:
    ran = command.run("doctor")
    assert ran.returncode == 0, ran.stdout
    words = {line.split()[0]: line.split()[1] for line in ran.stdout.decode().splitlines()}
    assert words["crash"] == "ok"
    assert words["spool"] == "ok"
    assert b"a test crash gave text and dump by ptrace" in ran.stdout


def test_doctor_says_what_is_wrong(command: Command, service: Service) -> None:
    command.spool.write_text("in the way")
    service.status = 401
    ran = command.run("doctor", "--dsn", service.dsn)
    assert ran.returncode == 1
    assert b"refuses the key" in ran.stdout
    assert b"File exists" in ran.stdout


def test_the_spool(command: Command, service: Service) -> None:
    command.run("run", "--", sys.executable, "-c", CRASH)
    listed = command.run("spool", "list", str(command.spool))
    (report,) = command.reports()
    assert listed.stdout.decode().split()[0] == report.path.name
    assert b"SIGSEGV" in listed.stdout
    waits = command.run("spool", "upload", str(command.spool))
    assert (waits.returncode, b"no scheme" in waits.stdout) == (1, True)
    sent = command.run("spool", "upload", str(command.spool), "--dsn", service.dsn)
    assert (sent.returncode, sent.stdout.split()[1]) == (0, b"sent")
    assert [request.metadata["id"] for request in service.received] == [report.path.name]
    command.run("run", "--", sys.executable, "-c", CRASH)
    assert command.run("spool", "purge", str(command.spool)).stderr == b"faultline: 1 deleted\n"
    assert command.reports() == []


def core_file(folder: Path, handler: bool) -> Path:
    """A core of a Python that crashed, with or without faulthandler."""
    if "/" in Path("/proc/sys/kernel/core_pattern").read_text() or os.uname().machine not in ("x86_64", "aarch64"):
        pytest.skip("cores do not go to the current folder here")
    flag = "-X faulthandler" if handler else ""
    script = f"ulimit -c unlimited; exec {sys.executable} {flag} {CRASHES} segv_null"
    environment = {**os.environ, "FAULTLINE_TEST_OPTIONS": "null"}
    subprocess.run(["sh", "-c", script], cwd=folder, env=environment, capture_output=True, timeout=60, check=False)
    found = list(folder.glob("core*"))
    if not found:
        pytest.skip("no core was written")
    return found[0]


@pytest.mark.parametrize("handler", [True, False])
def test_a_core_becomes_a_dump(command: Command, service: Service, handler: bool) -> None:
    core = core_file(command.folder, handler)
    ran = command.run("core", str(core), "--out", "x.dmp")
    assert ran.returncode == 0, ran.stderr
    assert b"SIGSEGV code 1 address 0x0" in ran.stderr
    dump = (command.folder / "x.dmp").read_bytes()
    exception = streams(dump)[6]
    assert struct.unpack_from("<IIQQ", exception, 8) == (11, 1, 0, 0)
    (row,) = thread_rows(dump)
    assert row[6] > 1024, "a stack"
    sent = command.run("core", str(core), "--dsn", service.dsn, "--release", "5")
    assert sent.returncode == 0, sent.stderr
    assert service.received[0].metadata["release"] == "5"
    assert service.received[0].metadata["pythonVersion"] == "%d.%d" % sys.version_info[:2]
    assert command.reports() == []


def test_what_is_no_core_is_refused(command: Command) -> None:
    (command.folder / "x").write_bytes(b"\x7fELF\x02\x01" + bytes(100))
    for path in ("x", str(CRASHES), sys.executable, "missing"):
        ran = command.run("core", path, "--out", "y")
        assert ran.returncode == 1
        assert b"Traceback" not in ran.stderr


def test_a_core_cut_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    from faultline._capture import CaptureOptions, capture
    from faultline._core import CoreError, source_of_core

    core = core_file(tmp_path, handler=True).read_bytes()
    for at in [*range(64), *range(64, 4096, 11), *range(4096, 12000, 97)]:
        changed = core[:at] + bytes([core[at] ^ 0xFF]) + core[at + 1 : 1 << 20]
        try:
            source, interrupted = source_of_core(changed)
        except CoreError:
            continue
        capture(source, interrupted, CaptureOptions(), {})
    for size in [*range(0, 12000, 97), *range(12000, len(core), len(core) // 20)]:
        try:
            source_of_core(core[:size])
        except CoreError:
            continue


def wheel(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("shop/__init__.py", "")
        archive.writestr("shop/jobs.py", "def run():\n    return 1\n")
        archive.writestr("shop/broken.py", "def (:\n")
        archive.writestr("shop-1.dist-info/METADATA", "Name: shop\n")


def test_symbols_of_a_wheel(command: Command, service: Service) -> None:
    wheel(command.folder / "shop-1-py3-none-any.whl")
    access: Dict[str, Any] = {
        "FAULTLINE_URL": service.dsn.replace("KEY@", "").rsplit("/", 1)[0],
        "FAULTLINE_TOKEN": "T",
    }
    planned = command.run("symbols", "upload", "--release", "1", "--dry-run", "shop-1-py3-none-any.whl", **access)
    names = [line.split()[-1] for line in planned.stdout.decode().splitlines()]
    tag = sys.implementation.cache_tag
    assert sorted(names) == sorted(
        ["shop/__init__.py", f"shop/__pycache__/__init__.{tag}.pyc", "shop/jobs.py", f"shop/__pycache__/jobs.{tag}.pyc",
         "shop/broken.py"]
    ), "this interpreter cannot compile broken.py"  # fmt: skip
    service.answer = {"missing": 0, "files": [], "accepted": 5, "duplicate": 0, "refused": 0}
    ran = command.run("symbols", "upload", "--release", "1", "shop-1-py3-none-any.whl", **access)
    assert ran.returncode == 0, ran.stderr
    check, upload = service.received
    assert check.path == "/api/v1/symbols/check"
    assert upload.path == "/api/v1/symbols?release=1"
    assert upload.headers["authorization"] == "Bearer T"
    assert b'filename="shop/jobs.py"' in upload.body
    assert f'filename="shop/__pycache__/jobs.{tag}.pyc"'.encode() in upload.body
    assert b"broken." + str(tag).encode() not in upload.body, "this interpreter cannot compile it"


def test_symbols_that_are_there_are_not_sent(command: Command, service: Service) -> None:
    """The answer is long, as one about thousands of files is."""
    (command.folder / "lib").mkdir()
    (command.folder / "lib" / "a.py").write_text("x = 1\n")
    (command.folder / "lib" / "b.py").write_text("x = 2\n")
    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    filler = [{"sha256": "0" * 64, "state": "ready", "error": "e" * 1000} for _ in range(500)]
    service.answer = {"files": [*filler, {"sha256": digest, "state": "ready", "error": None}]}
    where = ("--url", service.dsn.replace("KEY@", "").rsplit("/", 1)[0], "--token", "T", "--release", "1")
    ran = command.run("symbols", "upload", *where, "lib")
    assert ran.returncode == 0, ran.stderr
    assert b"1 are there already, 3 to send" in ran.stderr
    assert b'filename="lib/b.py"' not in service.received[1].body
    assert b'filename="b.py"' in service.received[1].body
    assert b'filename="a.py"' not in service.received[1].body


def test_symbols_want_to_know_where_to(command: Command) -> None:
    wheel(command.folder / "a.whl")
    assert b"no release: give --release" in command.run("symbols", "upload", "a.whl").stderr
    assert command.run("symbols", "upload", "missing.whl").returncode == 1


@pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="no gcc and objcopy here")
def test_native_files_and_their_debug_files(command: Command) -> None:
    tree = command.folder / "tree"
    debug = command.folder / "debug"
    tree.mkdir()
    source = tree / "fast.c"
    source.write_text("int twice(int x) { return 2 * x; }\n")
    library = tree / "fast.so"
    subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-Wl,--build-id", "-o", str(library), str(source)], check=True)
    identity = build_id(library)
    target = debug / ".build-id" / identity[:2]
    target.mkdir(parents=True)
    subprocess.run(["objcopy", "--only-keep-debug", str(library), str(target / f"{identity[2:]}.debug")], check=True)
    whole = command.run("symbols", "upload", "--release", "1", "--dry-run", "--check", "tree")
    assert (whole.returncode, whole.stdout.split()[0::3]) == (0, [b"native"])
    subprocess.run(["strip", str(library)], check=True)
    stripped = command.run("symbols", "upload", "--release", "1", "--dry-run", "--check", "tree")
    assert stripped.returncode == 1
    assert f"fast.so: no debug information (exported names only); no debug file {identity}".encode() in stripped.stderr
    allowed = command.run(
        "symbols", "upload", "--release", "1", "--dry-run", "--check", "--stripped-ok", "*.so", "tree"
    )
    assert allowed.returncode == 0
    found = command.run("symbols", "upload", "--release", "1", "--dry-run", "--check", "--debug", "debug", "tree")
    assert (found.returncode, found.stdout.split()[0::3]) == (0, [b"native", b"debug"])


def build_id(path: Path) -> str:
    notes = subprocess.run(["readelf", "-n", str(path)], capture_output=True, text=True, check=True).stdout
    return notes.partition("Build ID: ")[2].split()[0]


def test_text_capture_alone(app: App, service: Service) -> None:
    """Where no monitor can be started faulthandler writes into the spool; the next start sends what was left."""
    options = {"python": "/no/such/python", "dsn": service.dsn}
    ran = app.run("segv_null", options=options, FAULTLINE_TEST_STATUS="1")
    assert ran.status == -signal.SIGSEGV
    assert '"capture": "text-file"' in ran.err
    assert app.run("clean", options=options).status == 3
    (request,) = service.wait()
    assert b"Fatal Python error: Segmentation fault" in request.body
    assert b'"capture": "text-only"' in request.body
    assert request.metadata["pid"] == ran.pid
    assert os.listdir(app.spool / "text") == []
