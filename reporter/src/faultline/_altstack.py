"""
Alternate signal stacks for threads.

faulthandler gives one to the main thread only: a stack overflow in another thread has nowhere to run a handler, and
the process dies without a word. Every thread that Python starts gets one here. Threads that C code starts stay without.
"""

from __future__ import annotations

import functools
import mmap
import threading
from typing import Any, Optional, Tuple

_SIZE = 64 * 1024
_SS_DISABLE = 2

_original: Optional[Any] = None


def cover_threads() -> None:
    """From now on. Undone by `uncover_threads`; threads that run keep theirs."""
    global _original
    if _original is not None:
        return
    original = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

    def _bootstrap_inner(self: threading.Thread) -> None:
        stack = _open_stack()
        try:
            original(self)
        finally:
            if stack is not None:
                stack.close()

    _original = original
    threading.Thread._bootstrap_inner = _bootstrap_inner  # type: ignore[attr-defined]


def uncover_threads() -> None:
    """Threads started from now on are as Python starts them."""
    global _original
    if _original is not None:
        threading.Thread._bootstrap_inner = _original  # type: ignore[attr-defined]
        _original = None


def _open_stack() -> "Optional[_AlternateStack]":
    try:
        return _AlternateStack()
    except Exception:
        return None


class _AlternateStack:
    """Of the calling thread."""

    def __init__(self) -> None:
        """Raises OSError."""
        import ctypes

        self._libc, self._type = _interface()
        before = self._type()
        if self._set(None, before) != 0 or not before.flags & _SS_DISABLE:
            raise OSError("the thread has one already")
        self._memory = mmap.mmap(-1, _SIZE)
        self._view = ctypes.c_char.from_buffer(self._memory)
        if self._set(self._type(ctypes.addressof(self._view), 0, _SIZE), None) != 0:
            raise OSError("sigaltstack")

    def _set(self, new: Any, old: Any) -> int:
        import ctypes

        pointers = (None if one is None else ctypes.byref(one) for one in (new, old))
        return int(self._libc.sigaltstack(*pointers))

    def close(self) -> None:
        """The memory goes once the kernel has forgotten it."""
        try:
            if self._set(self._type(None, _SS_DISABLE, 0), None) == 0:
                del self._view
                self._memory.close()
        except Exception:
            return


@functools.lru_cache(maxsize=None)
def _interface() -> Tuple[Any, Any]:
    """Libc and `stack_t` (sigaltstack(2)); ctypes is imported when the first thread starts."""
    import ctypes

    class StackT(ctypes.Structure):
        _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

    return ctypes.CDLL(None, use_errno=True), StackT
