"""What every test needs: interpreters, programs that die, a service that answers as it is told."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"
CRASHES = Path(__file__).resolve().parent / "crashes.py"
TEXT, DUMP, META = "faulthandler.txt", "crash.dmp", "meta.json"


def interpreters() -> List[str]:
    """One of each minor version from 3.8 on: those of pyenv, and on the PATH."""
    found: Dict[str, str] = {"%d.%d" % sys.version_info[:2]: sys.executable}
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = [str(path) for path in sorted(root.glob("*/bin"))] + os.environ.get("PATH", "").split(os.pathsep)
    for folder in folders:
        if "shims" in folder:
            continue
        for path in sorted(Path(folder).glob("python3.*")):
            match = re.fullmatch(r"python(3\.(\d+))", path.name)
            if match and 8 <= int(match.group(2)) <= 15 and os.access(path, os.X_OK):
                found.setdefault(match.group(1), str(path))
    return [found[version] for version in sorted(found, key=lambda text: int(text[2:]))]


PYTHONS = interpreters()


def version_of(python: str) -> str:
    """3.12 of /usr/bin/python3.12; of the running one, its own."""
    match = re.search(r"python(3\.\d+)$", python)
    return match.group(1) if match else "%d.%d" % sys.version_info[:2]


class Report(NamedTuple):
    """One report of a spool."""

    path: Path

    @property
    def meta(self) -> Dict[str, Any]:
        value: Dict[str, Any] = json.loads((self.path / META).read_text())
        return value

    @property
    def text(self) -> str:
        path = self.path / TEXT
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def dump(self) -> bytes:
        path = self.path / DUMP
        return path.read_bytes() if path.exists() else b""

    @property
    def signal(self) -> str:
        return str((self.meta["reporter"].get("signal") or {}).get("name"))


class Ran(NamedTuple):
    """A program that ended."""

    status: int
    out: str
    err: str
    seconds: float
    pid: int

    @property
    def answer(self) -> Dict[str, Any]:
        value: Dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return value


class App:
    """Runs programs of crashes.py in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.processes: List["subprocess.Popen[str]"] = []

    def environment(self, options: Optional[Dict[str, Any]], extra: Dict[str, str]) -> Dict[str, str]:
        settings = None if options is None else {"spool": str(self.spool), "release": "9.9", **options}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FAULTLINE_")}
        return {
            **kept,
            "PYTHONPATH": str(SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "FAULTLINE_TEST_OPTIONS": json.dumps(settings),
            "FAULTLINE_TEST_DIR": str(self.folder),
            **extra,
        }

    def start(
        self,
        name: str,
        python: str = sys.executable,
        options: Optional[Dict[str, Any]] = {},  # noqa: B006
        prefix: "tuple[str, ...]" = (),
        arguments: "tuple[str, ...]" = (),
        **extra: str,
    ) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*prefix, python, str(CRASHES), name, *arguments],
            cwd=self.folder,
            env=self.environment(options, extra),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, name: str, timeout: float = 40, **how: Any) -> Ran:
        started = time.monotonic()
        process = self.start(name, **how)
        out, err = process.communicate(timeout=timeout)
        return Ran(process.returncode, out, err, time.monotonic() - started, process.pid)

    def reports(self, count: int = 1, timeout: float = 8) -> List[Report]:
        """Those in the spool, once there are so many, or the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            found = sorted((self.spool / "new").glob("*")) if (self.spool / "new").exists() else []
            if len(found) >= count or time.monotonic() > deadline:
                return [Report(path) for path in found]
            time.sleep(0.02)

    def monitors(self) -> List[int]:
        """Of the programs run here."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                environment = (path / "environ").read_bytes()
                command = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in environment and b"faultline._monitor" in command:
                found.append(int(path.name))
        return sorted(found)

    def wait_for_monitor(self, timeout: float = 10) -> int:
        """Until it watches somebody: it has a pidfd then."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for pid in self.monitors():
                if any("\nPid:" in text for text in _fdinfo(pid)):
                    return pid
            time.sleep(0.01)
        raise AssertionError("no monitor")

    def wait_until_gone(self, timeout: float = 10) -> None:
        deadline = time.monotonic() + timeout
        while self.monitors():
            assert time.monotonic() < deadline, "a monitor that does not end"
            time.sleep(0.02)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid in self.monitors():
            try:
                os.kill(pid, 18)
                os.kill(pid, 9)
            except OSError:
                continue


def _fdinfo(pid: int) -> Iterator[str]:
    for path in Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            yield path.read_text()
        except OSError:
            continue


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path)
    yield made
    made.close()


class Received(NamedTuple):
    """A request that the service got."""

    path: str
    headers: Dict[str, str]
    body: bytes

    @property
    def metadata(self) -> Dict[str, Any]:
        """Its metadata part."""
        match = re.search(
            rb'name="metadata"\r\nContent-Type: application/json\r\n\r\n(.*?)\r\n--', self.body, re.DOTALL
        )
        assert match is not None
        value: Dict[str, Any] = json.loads(match.group(1))
        return value


class Service:
    """Answers every POST with `status`, after `delay` seconds; `cut` closes the connection instead."""

    def __init__(self) -> None:
        self.status, self.delay, self.cut = 200, 0.0, False
        self.answer: Dict[str, Any] = {"id": "1", "url": "http://service/1", "duplicate": False}
        self.received: List[Received] = []
        self.retry_after: Optional[str] = None
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.read_body()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status = service.status
                service.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                time.sleep(service.delay)
                if service.cut:
                    self.close_connection = True
                    return
                self.reply(status)

            def read_body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers["Content-Length"]))
                pieces = []
                while True:
                    size = int(self.rfile.readline(), 16)
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                    if size == 0:
                        return b"".join(pieces)

            def reply(self, status: int) -> None:
                content = json.dumps(service.answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(content)))
                    if service.retry_after is not None:
                        self.send_header("Retry-After", service.retry_after)
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://KEY@127.0.0.1:{self.server.server_address[1]}/1"

    def wait(self, count: int = 1, timeout: float = 8) -> List[Received]:
        deadline = time.monotonic() + timeout
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return list(self.received)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()
