"""The application's side: what install() sets up in a process, and how forks and uninstall() change it."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._faulthandler import FaulthandlerTakeover
from ._identity import descriptor_identity
from ._limits import CAPTURE_TIMEOUT_S, HELLO_TIMEOUT_S, MAX_TAG_CHARS, MAX_TAGS
from ._options import Options
from ._permissions import make_dumpable, may_be_looked_into, name_tracer, ptrace_scope

HOW_FULL, HOW_TEXT_FILE, HOW_NOTHING = "monitor", "text-file", "none"


class Reporter:
    """Of one process. `start` may fail in parts; `trouble` lists them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.pid = os.getpid()
        self.how = HOW_NOTHING
        self.trouble: List[str] = []
        self.tags = dict(options.tags)
        self._stderr_fd = 2
        self._takeover = FaulthandlerTakeover(self._wanted_changed)
        self._peer: Any = None
        self._tracer = 0
        self._channel_fd = -1
        self._channel_identity: Optional[Tuple[int, int]] = None
        self._pidfd = -1
        self._sleeps_on_abort = False
        self._text_file: Any = None
        self._uploader: Any = None
        self._undo: List[Callable[[], None]] = []

    # Setting up.

    def start(self) -> bool:
        """False when nothing will be captured. Never raises."""
        if supported() is None and self._attempt("monitor", self._start_monitor):
            self.how = HOW_FULL
        elif self._attempt("text file", self._start_text_file):
            self.how = HOW_TEXT_FILE
        else:
            return False
        if self.how == HOW_FULL and self.options.thread_altstacks:
            self._attempt("thread_altstacks", self._cover_threads)
        if self.options.exceptions:
            self._attempt("exceptions", self._hook_exceptions)
        return True

    def _attempt(self, what: str, work: Callable[[], None]) -> bool:
        try:
            work()
        except Exception as error:
            self.trouble.append(f"{what}: {type(error).__name__}: {error}")
            return False
        return True

    def _start_monitor(self) -> None:
        from . import _spawn

        if self.options.allow_dumpable and not may_be_looked_into():
            make_dumpable()
        peer = _spawn.find_monitor(os.environ.get(_spawn.MONITOR_VARIABLE))
        if peer is None:
            peer = _spawn.start_monitor(self.options.python, _spawn.new_monitor_name())
        self._peer = peer
        try:
            if ptrace_scope() == 1:
                self._name_monitor()
            if self.options.capture_fatal:
                self._sleeps_on_abort = self._attempt("capture_fatal", self._sleep_on_abort)
            self._open_channel()
            self._takeover.start(self._channel_fd, as_object=self._sleeps_on_abort)
        except BaseException:
            self._undo_all()
            peer.close()
            self._peer = None
            raise
        os.environ[_spawn.MONITOR_VARIABLE] = peer.name

    def _name_monitor(self) -> None:
        from . import _wire

        self._peer.send({"op": "hello"})
        self._peer.socket.settimeout(HELLO_TIMEOUT_S)
        try:
            self._tracer = int(_wire.receive(self._peer.socket).fields["pid"])
        finally:
            self._peer.socket.settimeout(None)
        name_tracer(self._tracer)

    def _sleep_on_abort(self) -> None:
        from ._fatal import sleep_on_abort

        self._undo.append(sleep_on_abort())

    def _open_channel(self) -> None:
        """And hands its read end to the monitor. Raises OSError, ValueError."""
        from ._channel import open_channel

        channel = open_channel()
        try:
            fields = {
                **self.options.registration(),
                "tags": self.tags,
                "op": "register",
                "channelFd": channel.write_fd,
                "fillers": channel.fillers,
                "stderr": self._stderr_fd,
            }
            handed_over = {"channel": channel.read_end.fileno(), **self._handed_over()}
            self._peer.send({**fields, "fds": list(handed_over)}, tuple(handed_over.values()))
        except BaseException:
            os.close(channel.write_fd)
            raise
        finally:
            # An open read end in this process would make it wait for itself, for ever.
            channel.read_end.close()
            _close(self._pidfd)
            self._pidfd = -1
        self._channel_fd = channel.write_fd
        self._channel_identity = descriptor_identity(channel.write_fd)

    def _close_channel(self, fd: int, identity: Optional[Tuple[int, int]]) -> None:
        """Unless the application closed it, and the number is now something of its own."""
        if fd >= 0 and identity is not None and descriptor_identity(fd) == identity:
            _close(fd)

    def _handed_over(self) -> Dict[str, int]:
        """
        Descriptors beside the channel.

        A pidfd, because a process killed in its first milliseconds is gone before the monitor can ask for one; stderr,
        where the monitor may not fetch it from us at the end.
        """
        found: Dict[str, int] = {}
        if hasattr(os, "pidfd_open"):
            try:
                found["pidfd"] = self._pidfd = os.pidfd_open(os.getpid())
            except OSError:
                self._pidfd = -1
        if not may_be_looked_into() and descriptor_identity(self._stderr_fd) is not None:
            found["stderr"] = self._stderr_fd
        return found

    def _start_text_file(self) -> None:
        from ._text_file import TextFile

        reason = supported()
        if reason is not None:
            self.trouble.append(reason)
        self._text_file = TextFile(self.options.spool, self.options.registration())
        self._takeover.start(self._text_file.fd, as_object=False)
        if self.options.upload and self.options.dsn is not None:
            self._attempt("upload", self._upload_what_was_left)
        import atexit

        # An atexit hook runs before faulthandler is finalised: a crash in between is not captured.
        atexit.register(self._remove_text_file)

    def _upload_what_was_left(self) -> None:
        """There is no monitor to do it: a process of its own makes one pass over the spool."""
        import subprocess

        from ._spawn import find_python

        package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        script = (
            "import sys;sys.path.insert(0,sys.argv[1]);from faultline._uploader import deliver;deliver(sys.argv[2])"
        )
        self._uploader = subprocess.Popen(
            [find_python(), "-I", "-c", script, package, self.options.spool],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _remove_text_file(self) -> None:
        if self._text_file is not None and self.pid == os.getpid():
            self._takeover.stop()
            self._text_file.remove()
            self._text_file = None

    def _cover_threads(self) -> None:
        from ._altstack import cover_threads, uncover_threads

        cover_threads()
        self._undo.append(uncover_threads)

    def _hook_exceptions(self) -> None:
        from ._exceptions import ExceptionHooks

        hooks = ExceptionHooks(self.send_exception)
        hooks.start()
        self._undo.append(hooks.stop)

    # While it runs.

    def _wanted_changed(self, fd: int) -> None:
        self._stderr_fd = fd
        self._tell({"op": "set", "info": {"stderr": fd}})

    def set_tag(self, key: str, value: str) -> None:
        """Never raises."""
        key, value = str(key)[:MAX_TAG_CHARS], str(value)[:MAX_TAG_CHARS]
        if key not in self.tags and len(self.tags) >= MAX_TAGS:
            return
        self.tags[key] = value
        self._tell({"op": "tag", "key": key, "value": value})

    def _tell(self, fields: Dict[str, Any]) -> None:
        if self._peer is None:
            return
        try:
            self._peer.send(fields)
        except (OSError, ValueError) as error:
            self._complain(f"monitor: {error}")

    def _complain(self, trouble: str) -> None:
        if trouble not in self.trouble and len(self.trouble) < 20:
            self.trouble.append(trouble)

    def capture_now(self) -> Optional[str]:
        """Waits until the dump is on disk, at most CAPTURE_TIMEOUT_S. Never raises."""
        if self._peer is None:
            return None
        try:
            return self._ask("capture", _own_stacks())
        except Exception as error:
            self._complain(f"capture_now: {type(error).__name__}: {error}")
            return None

    def send_exception(self, text: str) -> None:
        """Hands a traceback to the monitor, and waits until it is on disk. Never raises."""
        for way in (self._hand_over_exception, self._store_exception):
            try:
                way(text)
                return
            except Exception as error:
                self._complain(f"exception: {type(error).__name__}: {error}")

    def _hand_over_exception(self, text: str) -> None:
        if self._ask("exception", text.encode("utf-8", "backslashreplace")) is None:
            raise OSError("the monitor has not taken it")

    def _store_exception(self, text: str) -> None:
        from ._report import files_of, metadata
        from ._spool import Spool
        from ._uuid7 import uuid7

        report = uuid7()
        meta = metadata(report, {**self.options.registration(), "tags": self.tags}, "exception", os.getpid())
        data = text.encode("utf-8", "backslashreplace")
        Spool(self.options.spool).put(report, files_of(meta, data, None, self.options.dsn))

    def _ask(self, kind: str, text: bytes) -> Optional[str]:
        import threading

        from . import _wire

        if self._peer is None:
            return None
        memory = os.memfd_create("faultline", os.MFD_CLOEXEC)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            view = memoryview(text)
            while view:
                view = view[os.write(memory, view) :]
            tid = threading.get_native_id()
            self._peer.send({"op": kind, "tid": tid}, (memory, theirs.fileno()))
            theirs.close()
            ours.settimeout(CAPTURE_TIMEOUT_S)
            return _wire.receive(ours).fields.get("id")
        except _wire.ClosedError:
            return None
        finally:
            os.close(memory)
            theirs.close()
            ours.close()

    # Forks.

    def after_fork_in_child(self) -> None:
        """A channel of our own, on the monitor of our parent. Never raises."""
        self.pid = os.getpid()
        if self._text_file is not None:
            self._text_file = None
            self._attempt("text file", self._text_file_of_child)
            return
        if self._peer is None:
            return
        if self._tracer:
            name_tracer(self._tracer)
        before = self._channel_fd, self._channel_identity
        try:
            self._open_channel()
            self._takeover.point_at(self._channel_fd, self._sleeps_on_abort)
        except Exception as error:
            self._complain(f"fork: {type(error).__name__}: {error}")
            self._takeover.fall_back()
            self._channel_fd = -1
        if not self._sleeps_on_abort:
            self._close_channel(*before)

    def _text_file_of_child(self) -> None:
        from ._text_file import TextFile

        self._text_file = TextFile(self.options.spool, self.options.registration())
        self._takeover.point_at(self._text_file.fd, as_object=False)

    # The end.

    def is_alive(self) -> bool:
        """Whether a crash now would be captured."""
        if self.how == HOW_TEXT_FILE:
            return self._text_file is not None
        if self._peer is None or self._channel_fd < 0:
            return False
        return descriptor_identity(self._channel_fd) == self._channel_identity and bool(self._peer.alive)

    def stop(self) -> None:
        """Undoes everything. Never raises."""
        self._undo_all()
        self._attempt("uninstall", self._takeover.stop)
        if self._text_file is not None:
            self._text_file.remove()
            self._text_file = None
        if self._peer is None:
            return
        from ._spawn import MONITOR_VARIABLE

        self._tell({"op": "unregister"})
        if os.environ.get(MONITOR_VARIABLE) == self._peer.name:
            del os.environ[MONITOR_VARIABLE]
        self._attempt("uninstall", self._peer.close)
        self._peer = None
        if not self._sleeps_on_abort:
            self._close_channel(self._channel_fd, self._channel_identity)
        self._channel_fd = -1

    def _undo_all(self) -> None:
        for undo in reversed(self._undo):
            self._attempt("uninstall", undo)
        self._undo.clear()


def _close(fd: int) -> None:
    if fd < 0:
        return
    try:
        os.close(fd)
    except OSError:
        pass


def _own_stacks() -> bytes:
    """All threads, as faulthandler prints them."""
    import faulthandler

    memory = os.memfd_create("faultline", os.MFD_CLOEXEC)
    try:
        faulthandler.dump_traceback(file=memory, all_threads=True)
        os.lseek(memory, 0, os.SEEK_SET)
        pieces: List[bytes] = []
        while True:
            piece = os.read(memory, 65536)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    finally:
        os.close(memory)


def supported() -> Optional[str]:
    """None where whole dumps can be captured; else why there is text capture only."""
    if not sys.platform.startswith("linux"):
        return f"{sys.platform}: text capture only"
    machine = os.uname().machine
    if machine not in ("x86_64", "aarch64") or sys.maxsize < 1 << 32:
        return f"Linux on {machine}: text capture only"
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name}: text capture only"
    return None
