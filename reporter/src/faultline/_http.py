"""POST over http.client: no redirects, proxies from the environment, every wait bounded."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterable, Iterator, Mapping, NamedTuple, Optional, Union
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ._limits import CONNECT_TIMEOUT_S, MAX_ANSWER_BYTES, REQUEST_TIMEOUT_S
from ._version import __version__

USER_AGENT = f"faultline-reporter/{__version__}"


class HttpError(Exception):
    """No answer came; the message says why."""


class Answer(NamedTuple):
    """What the service said."""

    status: int
    body: bytes
    retry_after: Optional[float]

    @property
    def fields(self) -> Dict[str, Any]:
        """The JSON object of the body; empty where it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def problem(self) -> str:
        """For a person: status, and what the service says about it."""
        said = self.fields
        detail = said.get("detail") or said.get("title") or said.get("message") or ""
        return f"{self.status} {detail}".strip()


def post(
    url: str,
    body: Union[bytes, Iterable[bytes]],
    headers: Mapping[str, str],
    timeout: float = REQUEST_TIMEOUT_S,
) -> Answer:
    """
    Args:
        body: an iterable is sent in chunks.
        timeout: seconds for the whole exchange, where this is the main thread; else for each step of it.

    Raises:
        HttpError: there was no answer.
    """
    parts = urlsplit(url)
    try:
        with _deadline(timeout):
            connection = _connect(parts)
            try:
                return _exchange(connection, parts, body, headers, timeout)
            finally:
                connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise HttpError(f"{parts.hostname}: {error or type(error).__name__}") from error


def _exchange(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: Union[bytes, Iterable[bytes]],
    headers: Mapping[str, str],
    timeout: float,
) -> Answer:
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    if getattr(connection, "faultline_absolute", False):
        target = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{target}"
    chunked = not isinstance(body, bytes)
    sent = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
    if chunked:
        sent["Transfer-Encoding"] = "chunked"
    connection.connect()
    connection.sock.settimeout(timeout)
    try:
        connection.request("POST", target, body, sent, encode_chunked=chunked)
    except BrokenPipeError:
        pass  # a service that refuses answers before it has read everything
    response = connection.getresponse()
    content = response.read(MAX_ANSWER_BYTES + 1)
    if len(content) > MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of more than {MAX_ANSWER_BYTES} bytes (limit MAX_ANSWER_BYTES)")
    return Answer(response.status, content, _seconds(response.getheader("Retry-After")))


def _seconds(value: Optional[str]) -> Optional[float]:
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None


def _connect(parts: SplitResult) -> http.client.HTTPConnection:
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme)
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    if not proxy:
        return kind(host, port, timeout=CONNECT_TIMEOUT_S)
    through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    authorization = _proxy_authorization(through)
    connection = kind(through.hostname or "", through.port or 80, timeout=CONNECT_TIMEOUT_S)
    if secure:
        connection.set_tunnel(host, port, authorization)
    else:
        connection.faultline_absolute = True  # type: ignore[attr-defined]
    return connection


def _proxy_authorization(proxy: SplitResult) -> Dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """A service that trickles would outlast the timeout of every single step."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def expire(*_: object) -> None:
        raise TimeoutError(f"no answer within {seconds:.0f} s (limit REQUEST_TIMEOUT_S)")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
