"""
faulthandler, pointed at our channel, while the application may go on using it.

`faulthandler.enable()` called later (by the application, pytest, a framework) would take the channel away: it is
wrapped, so that the file the application wants is remembered and gets the text as well.
"""

from __future__ import annotations

import faulthandler
import functools
import io
import sys
from typing import Any, Callable

_enable = faulthandler.enable
_disable = faulthandler.disable
_is_enabled = faulthandler.is_enabled


def switch_off() -> None:
    """Faulthandler itself, wrapped or not: the signals get back the dispositions it found."""
    _disable()


class FaulthandlerTakeover:
    """In force between `start` and `stop`."""

    def __init__(self, wanted_changed: Callable[[int], None]) -> None:
        """`wanted_changed`: told the descriptor the application wants the text on; -1 for none."""
        self._wanted_changed = wanted_changed
        self._was_enabled = _is_enabled()
        self._app_enabled = self._was_enabled
        self._kept: Any = None
        """Holds the file object of the application, as faulthandler does."""

    def start(self, fd: int, as_object: bool) -> None:
        """
        Points faulthandler at `fd`.

        Args:
            as_object: hand over a file object that owns the descriptor, so that it is closed when a fatal error
                finalises faulthandler.
        """
        self.point_at(fd, as_object)
        faulthandler.enable = self._enable_for_app  # type: ignore[assignment]
        faulthandler.disable = self._disable_for_app  # type: ignore[assignment]
        faulthandler.is_enabled = self._is_enabled_for_app  # type: ignore[assignment]

    def point_at(self, fd: int, as_object: bool) -> None:
        """To another channel. A file object is held by faulthandler alone."""
        _enable(file=io.FileIO(fd, "wb", closefd=True) if as_object else fd, all_threads=True)

    def fall_back(self) -> None:
        """To stderr, as without us."""
        try:
            _enable(file=2, all_threads=True)
        except (ValueError, OSError):
            _disable()

    def stop(self) -> None:
        """As before `start`, or as the application wanted it since."""
        for name, wrapper, original in (
            ("enable", self._enable_for_app, _enable),
            ("disable", self._disable_for_app, _disable),
            ("is_enabled", self._is_enabled_for_app, _is_enabled),
        ):
            if getattr(faulthandler, name) == wrapper:
                setattr(faulthandler, name, original)
        if not self._app_enabled:
            _disable()
            return
        try:
            _enable(file=self._kept if self._kept is not None else sys.stderr, all_threads=True)
        except (AttributeError, ValueError, OSError, RuntimeError):
            self.fall_back()

    @functools.wraps(_enable)
    def _enable_for_app(self, file: Any = None, *_args: Any, **_options: Any) -> None:
        wanted = sys.stderr if file is None else file
        if wanted is None:
            raise RuntimeError("unable to get sys.stderr")
        fd = wanted if isinstance(wanted, int) else wanted.fileno()
        self._kept, self._app_enabled = file, True
        self._wanted_changed(fd)

    @functools.wraps(_disable)
    def _disable_for_app(self) -> bool:
        was, self._app_enabled, self._kept = self._app_enabled, False, None
        self._wanted_changed(-1)
        return was

    @functools.wraps(_is_enabled)
    def _is_enabled_for_app(self) -> bool:
        return self._app_enabled
