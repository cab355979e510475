"""The service's side of symbols: POST /api/v1/symbols/check and POST /api/v1/symbols."""

from __future__ import annotations

import json
import zlib
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence
from urllib.parse import urlencode

from ._http import Answer, HttpError, post
from ._multipart import Part, new_boundary, part_head, tail
from ._symbol_plan import Item

MAX_QUESTIONS = 10_000
"""The service's MAX_CHECK_ITEMS."""
BATCH_FILES = 1000
BATCH_BYTES = 64 << 20
_PIECE = 1 << 20
_TIMEOUT_S = 3600.0


class SymbolError(Exception):
    """The service refused, or did not answer; the message says why."""


class State(NamedTuple):
    """`missing`, `stored` (waits to be worked on), `ready` or `refused`; `error` says why."""

    state: str
    error: Optional[str]


class Sent(NamedTuple):
    """What became of one batch."""

    accepted: int
    duplicate: int
    refused: List[str]


class SymbolClient:
    """One release at one service."""

    def __init__(self, url: str, token: str, release: str, project: Optional[str]) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._release = release
        self._query = urlencode({"project": project}) if project else ""

    def states(self, items: Sequence[Item]) -> List[State]:
        """What the service has of each. Raises SymbolError."""
        states: List[State] = []
        for start in range(0, len(items), MAX_QUESTIONS):
            part = items[start : start + MAX_QUESTIONS]
            questions = [{"sha256": item.sha256} for item in part]
            body = json.dumps({"release": self._release, "files": questions}).encode("utf-8")
            said = self._post("/api/v1/symbols/check", "", body, {"Content-Type": "application/json"})
            answers = {str(one.get("sha256")): one for one in said.get("files") or []}
            for item in part:
                answer = answers.get(item.sha256) or {}
                states.append(State(str(answer.get("state") or "missing"), answer.get("error")))
        return states

    def send(self, items: Iterable[Item], progress: Callable[[int], None]) -> Sent:
        """`progress`: told the bytes of each piece. Raises SymbolError."""
        boundary = new_boundary()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Encoding": "gzip"}
        body = _gzipped(_body(items, boundary, progress))
        said = self._post("/api/v1/symbols", urlencode({"release": self._release}), body, headers)
        files = said.get("files") or []
        refused = [f"{one.get('name')}: {one.get('reason')}" for one in files if one.get("status") == "refused"]
        return Sent(int(said.get("accepted") or 0), int(said.get("duplicate") or 0), refused)

    def _post(self, path: str, query: str, body: "bytes | Iterator[bytes]", headers: Dict[str, str]) -> Dict[str, Any]:
        joined = "&".join(filter(None, (query, self._query)))
        url = f"{self._url}{path}{'?' + joined if joined else ''}"
        try:
            answer: Answer = post(url, body, {"Authorization": f"Bearer {self._token}", **headers}, _TIMEOUT_S)
        except HttpError as error:
            raise SymbolError(str(error)) from error
        if answer.status != 200:
            raise SymbolError(answer.problem)
        if not isinstance(answer.fields.get("files"), list):
            raise SymbolError(f"{path}: wanted an answer with files, found {answer.body[:80]!r}")
        return answer.fields


def _body(items: Iterable[Item], boundary: str, progress: Callable[[int], None]) -> Iterator[bytes]:
    for item in items:
        with item.open() as file:
            yield part_head(Part("file", b"", item.name), boundary)
            while True:
                piece = file.read(_PIECE)
                if not piece:
                    break
                yield piece
                progress(len(piece))
            yield b"\r\n"
    yield tail(boundary)


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()
