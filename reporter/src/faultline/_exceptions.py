"""
Hooks for Python exceptions that nobody handled: sys, threading, asyncio, and those that cannot be raised.

Each hook that was there before still runs, and runs even when reporting fails.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, Callable, Optional, Type

_MAX_CHARS = 1 << 20
_ORDERLY = (SystemExit, KeyboardInterrupt, GeneratorExit)


class ExceptionHooks:
    """In force between `start` and `stop`."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._busy = threading.local()
        self._before_sys: Any = None
        self._before_thread: Any = None
        self._before_unraisable: Any = None
        self._asyncio = _LogFilter(self._report)

    def start(self) -> None:
        """Takes the hooks' places."""
        self._before_sys, sys.excepthook = sys.excepthook, self._on_exception
        self._before_thread, threading.excepthook = threading.excepthook, self._on_thread
        self._before_unraisable, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
        logging.getLogger("asyncio").addFilter(self._asyncio)

    def stop(self) -> None:
        """Puts back what was there, unless somebody else has taken a place since."""
        if sys.excepthook == self._on_exception:
            sys.excepthook = self._before_sys
        if threading.excepthook == self._on_thread:
            threading.excepthook = self._before_thread
        if sys.unraisablehook == self._on_unraisable:
            sys.unraisablehook = self._before_unraisable
        logging.getLogger("asyncio").removeFilter(self._asyncio)
        self._send = lambda _: None

    def _on_exception(self, kind: Type[BaseException], value: BaseException, trace: Optional[TracebackType]) -> None:
        self._report(kind, value, trace)
        self._before_sys(kind, value, trace)

    def _on_thread(self, args: Any) -> None:
        self._report(args.exc_type, args.exc_value, args.exc_traceback)
        self._before_thread(args)

    def _on_unraisable(self, args: Any) -> None:
        self._report(args.exc_type, args.exc_value, args.exc_traceback)
        self._before_unraisable(args)

    def _report(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None or issubclass(kind, _ORDERLY) or getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            text = "".join(traceback.format_exception(kind, value, trace))
            self._send(text[:_MAX_CHARS])
        except Exception:
            return
        finally:
            self._busy.now = False


class _LogFilter(logging.Filter):
    """
    asyncio hands what nobody awaited to its logger.

    A filter that lets everything pass sees it without being a handler: with one, logging would no longer print
    to stderr by itself where the application configured nothing.
    """

    def __init__(self, report: Callable[[Any, Any, Any], None]) -> None:
        super().__init__()
        self._report = report

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets it pass."""
        if record.exc_info:
            self._report(*record.exc_info)
        return True
