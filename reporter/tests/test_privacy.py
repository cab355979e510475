"""Nothing planted in the heap, the arguments or the environment is in what is sent, unless the host asked for it."""

from __future__ import annotations

import sys
from typing import Any, Dict, List

import pytest

from conftest import PYTHONS, App, Received, Service, version_of

SECRET = "correct-horse-battery-staple-4711"
ARGUMENT = "--password=tr0ub4dor-and-3-more"


def sent_by(app: App, service: Service, python: str, options: Dict[str, Any]) -> Received:
    process = app.start(
        "secrets",
        python=python,
        options={"dsn": service.dsn, **options},
        arguments=(ARGUMENT,),
        SECRET_IN_ENVIRONMENT=SECRET,
    )
    process.communicate(timeout=30)
    assert process.returncode == -11
    received = service.wait()
    assert len(received) == 1
    return received[0]


def forms(text: str) -> List[bytes]:
    """As bytes, as UTF-16 and UTF-32, whole and in halves: a cut range must not hold a part either."""
    pieces = [text, text[: len(text) // 2], text[len(text) // 2 :]]
    return [piece.encode(code) for piece in pieces for code in ("utf-8", "utf-16-le", "utf-32-le")]


@pytest.mark.parametrize("python", [pytest.param(one, id=version_of(one)) for one in PYTHONS])
def test_no_secret_leaves(app: App, service: Service, python: str) -> None:
    received = sent_by(app, service, python, {})
    body = received.body
    assert b"MDMP" in body
    for planted in (SECRET, SECRET[::-1], ARGUMENT, "heap-1", "local-"):
        for form in forms(planted) if len(planted) > 10 else [planted.encode()]:
            assert form not in body, f"{planted!r} as {form!r}"
    for variable in (b"PATH=", b"HOME=", b"SECRET_IN_ENVIRONMENT="):
        assert variable not in body
    assert "argv" not in received.metadata


def test_what_the_host_asks_for_is_sent(app: App, service: Service) -> None:
    received = sent_by(app, service, sys.executable, {"send_argv": True, "send_environ": True})
    assert ARGUMENT.encode() in received.body
    assert f"SECRET_IN_ENVIRONMENT={SECRET}".encode() in received.body
