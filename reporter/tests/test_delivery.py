"""The spool and its uploads: whole or not at all, once, in time, and never more than it may hold."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from conftest import App, Service
from faultline import _limits, _spool
from faultline._report import files_of
from faultline._spool import Spool, SpoolError
from faultline._uploader import NOTHING_LEFT, SOMETHING_LEFT, Outcome, deliver
from faultline._uuid7 import uuid7


def put(spool: Spool, dsn: str, text: bytes = b"Fatal Python error: Aborted\n", **meta: Any) -> str:
    report = uuid7()
    fields: Dict[str, Any] = {"id": report, "pid": 7, "kind": "signal", "reporter": {}, **meta}
    spool.put(report, files_of(fields, text, b"MDMP" + bytes(64), dsn))
    return report


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path / "spool"))


def test_it_is_private(spool: Spool, service: Service) -> None:
    report = put(spool, service.dsn)
    for folder, _, names in os.walk(spool.path):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for name in names:
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600
    assert [entry.id for entry in spool.entries()] == [report]


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(SpoolError, match="wanted a folder"):
        Spool(str(tmp_path / "link")).prepare()


def test_one_request_holds_everything(spool: Spool, service: Service) -> None:
    report = put(spool, service.dsn, release="1.2", tags={"a": "b"}, modules=[{"name": "m"}], reporter={"capture": "x"})
    assert deliver(spool.path) == NOTHING_LEFT
    (request,) = service.received
    assert request.path == "/api/v1/crashes"
    assert request.headers["authorization"] == "Bearer KEY"
    assert request.metadata == {
        "id": report, "kind": "signal", "release": "1.2", "pid": 7, "tags": {"a": "b"}, "modules": [{"name": "m"}],
    }  # fmt: skip
    names = re.findall(rb'name="(\w+)"; filename="([^"]+)"', request.body)
    assert names == [
        (b"faulthandler", b"faulthandler.txt"),
        (b"minidump", b"crash.dmp"),
        (b"reporter", b"reporter.json"),
    ]


def test_it_waits_longer_after_each_failure_and_heeds_retry_after(spool: Spool, service: Service) -> None:
    put(spool, service.dsn)
    service.status, service.retry_after = 503, "1000"
    assert deliver(spool.path) == SOMETHING_LEFT
    (entry,) = spool.entries()
    delivery = entry.read_json("delivery.json")
    assert delivery["attempts"] == 1
    assert delivery["notBefore"] > time.time() + 900
    assert deliver(spool.path) == SOMETHING_LEFT
    assert len(service.received) == 1, "its time had not come"
    service.status = 200
    assert deliver(spool.path, everything=True) == NOTHING_LEFT


def test_one_failure_is_enough_for_a_pass(spool: Spool, service: Service) -> None:
    for _ in range(5):
        put(spool, service.dsn)
    service.status = 500
    assert deliver(spool.path) == SOMETHING_LEFT
    assert len(service.received) == 1


@pytest.mark.parametrize(("status", "state"), [(400, "refused"), (413, "refused"), (401, "waiting"), (404, "waiting")])
def test_what_the_service_says(spool: Spool, service: Service, status: int, state: str) -> None:
    put(spool, service.dsn)
    service.status, service.answer = status, {"detail": "because"}
    told: List[Outcome] = []
    deliver(spool.path, tell=told.append)
    assert [(one.state, one.detail) for one in told] == [(state, f"{status} because")]
    assert len(spool.entries()) == (1 if state == "waiting" else 0)
    assert len(os.listdir(os.path.join(spool.path, "failed"))) == (1 if state == "refused" else 0)


def test_a_report_sent_by_a_pass_that_died_is_not_sent_again(spool: Spool, service: Service) -> None:
    report = put(spool, service.dsn)
    with open(os.path.join(spool.path, "sent"), "w") as file:
        file.write(f"{report} 7\n")
    assert deliver(spool.path) == NOTHING_LEFT
    assert service.received == []
    assert spool.entries() == []


def test_only_one_process_uploads(spool: Spool, service: Service) -> None:
    put(spool, service.dsn)
    with contextlib.contextmanager(spool.lock)() as ours:
        assert ours
        assert deliver(spool.path) == SOMETHING_LEFT
    assert service.received == []
    assert deliver(spool.path) == NOTHING_LEFT


def test_abandoned_reports_are_kept_if_they_are_whole(spool: Spool, service: Service) -> None:
    spool.begin("whole", {"faulthandler.txt": b"x", "meta.json": b"{}"})
    spool.begin("half", {"faulthandler.txt": b"x"})
    spool.adopt_abandoned()
    assert spool.entries() == [], "they may still be written"
    for name in ("whole", "half"):
        os.utime(os.path.join(spool.path, "tmp", name), (1, 1))
    spool.adopt_abandoned()
    assert [entry.id for entry in spool.entries()] == ["whole"]
    assert os.listdir(os.path.join(spool.path, "tmp")) == []


def test_limits(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_spool, "SPOOL_MAX_REPORTS", 3)
    ids = [put(spool, "http://k@h/1") for _ in range(5)]
    assert [entry.id for entry in spool.entries()] == sorted(ids)[-3:]
    monkeypatch.setattr(_spool, "SPOOL_MAX_BYTES", 1000)
    last = put(spool, "http://k@h/1", b"x" * 5000)
    assert [entry.id for entry in spool.entries()] == [last]
    monkeypatch.setattr(_spool, "SPOOL_MAX_AGE_S", -1)
    spool.tidy()
    assert spool.entries() == []


def test_a_crash_loop_is_kept_short(spool: Spool) -> None:
    spool.prepare()
    verdicts = [spool.judge("same") for _ in range(_limits.REPORTS_PER_MINUTE + 1)]
    assert [one.with_dump for one in verdicts].count(True) == _limits.DUMPS_OF_ONE_CRASH_PER_HOUR
    assert [one.keep for one in verdicts] == [True] * _limits.REPORTS_PER_MINUTE + [False]


def test_a_damaged_report_does_not_stop_the_others(spool: Spool, service: Service) -> None:
    damaged = put(spool, service.dsn)
    good = put(spool, service.dsn)
    for name in ("meta.json", "delivery.json"):
        Path(spool.path, "new", damaged, name).write_bytes(b"\0 no json")
    deliver(spool.path)
    assert [request.metadata["id"] for request in service.received] == [good]


def test_a_long_list_of_modules_is_cut_to_what_the_service_takes(spool: Spool, service: Service) -> None:
    put(spool, service.dsn, modules=[{"name": "x" * 1000} for _ in range(1000)])
    assert deliver(spool.path) == NOTHING_LEFT
    assert 50 < len(service.received[0].metadata["modules"]) < 300
    assert len(json.dumps(service.received[0].metadata)) < 256 * 1024


def test_what_an_earlier_process_left_is_sent_when_the_next_one_starts(app: App, service: Service) -> None:
    assert app.run("segv_null").status == -11
    app.reports()
    app.wait_until_gone()
    left = app.reports()[0].path.name
    process = app.start("wait_for_signal", options={"dsn": service.dsn})
    time.sleep(1.5)
    assert service.received == [], "it names no service, and another program's is not it"
    process.kill()
    assert deliver(str(app.spool), dsn=service.dsn, everything=True) == NOTHING_LEFT
    assert left in {request.metadata["id"] for request in service.received}


def test_a_report_is_retried_while_the_application_lives(app: App, service: Service) -> None:
    service.status = 500
    process = app.start("fork_on_input", options={"dsn": service.dsn})
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    app.wait_for_monitor()
    process.stdin.write("go\n")
    process.stdin.flush()
    service.wait(1)
    service.status = 200
    received = service.wait(2, 15)
    assert len({request.metadata["id"] for request in received}) == 1
    assert len(received) == 2
    process.communicate(timeout=10)
    app.wait_until_gone()
    assert app.reports(0, 0) == []
