"""
The address crashes are sent to: `http://KEY@host:port/PROJECT`, with an optional path before the project.

The key is an ingest key: it can send crashes to one project and read nothing.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Dsn(NamedTuple):
    """Where and as whom to send."""

    base: str
    """`http://host:port/prefix`, without a slash at the end."""
    key: str
    project: str

    @property
    def crashes(self) -> str:
        """The URL that takes crashes."""
        return f"{self.base}/api/v1/crashes"


def parse_dsn(text: str) -> Dsn:
    """Raises ValueError, saying what was wanted; the key is not repeated in it."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"DSN: wanted http:// or https://, found {parts.scheme or 'no'} scheme")
    if not parts.hostname:
        raise ValueError("DSN: wanted http://KEY@host/PROJECT, found no host")
    if not parts.username:
        raise ValueError("DSN: wanted http://KEY@host/PROJECT, found no key")
    prefix, _, project = parts.path.rstrip("/").rpartition("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    return Dsn(f"{parts.scheme}://{netloc}{prefix}", unquote(parts.username), project)
