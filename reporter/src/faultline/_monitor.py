"""
The monitor: a process beside the application that waits for it to die.

The loop answers messages, watches channels and pidfds, and forks; it captures nothing and touches no disk, so that it
can always take the next crash. It ends by itself when the last application is gone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from typing import Callable, Dict, List, Optional

from . import _wire
from ._channel import has_text
from ._kernel_timer import KernelTimer, guard_timer, nudge_timer
from ._limits import (
    MAX_CLIENTS,
    MAX_WORKERS,
    NUDGE_S,
    RETRY_BASE_S,
    RETRY_MAX_S,
    WORKER_DEADLINE_S,
    WORKER_GRACE_S,
)
from ._pidfd import exit_status, pidfd_open
from ._signals import DEATHS
from ._wire import Fields
from ._worker import Job, handle_crash, handle_exception, handle_request, handle_silent_death

_IDLE_START_S = 30.0
"""A monitor nobody registers with ends after this time."""
_ANOTHER_PROCESS = 3
"""Exit code of a worker whose crash was not the registered process but a child that shares its channel."""
_LAST_RETRIES = 3
"""Passes over the spool that fail, once no application is left to wait with."""
_AT_ONCE = -1


class Client:
    """One application process."""

    def __init__(self, pid: int, info: Fields) -> None:
        self.pid = pid
        self.info = info
        self.channel: Optional[socket.socket] = None
        self.pidfd = -1
        self.tee_fd = -1
        self.reported = False
        self.expects_capture = False

    @property
    def job(self) -> Job:
        """For the worker."""
        return Job(self.pid, self.info, self.tee_fd)

    def close(self) -> None:
        """Whatever is still blocked in a write to it gets EPIPE."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        _wire.close_all([fd for fd in (self.pidfd, self.tee_fd) if fd >= 0])
        self.pidfd = self.tee_fd = -1


class Task:
    """A forked child of the monitor, and what to do when it is done."""

    def __init__(self, pid: int, deadline: Optional[float], done: Callable[[int], None]) -> None:
        self.pid = pid
        self.deadline = deadline
        self.done = done


class Monitor:
    """See the module."""

    def __init__(self, control: socket.socket, name: str) -> None:
        self._nudge = nudge_timer()
        self._guard: Optional[KernelTimer] = None
        self._guard_s = 0.0
        self._rearm()
        self._epoll = select.epoll()
        self._handlers: Dict[int, Callable[[], None]] = {}
        self._clients: Dict[int, Client] = {}
        self._connections: Dict[int, socket.socket] = {}
        self._tasks: Dict[int, Task] = {}
        self._uploads: Dict[str, float] = {}
        """Spool → when the next pass is due; those under way are not in it."""
        self._retries: Dict[str, int] = {}
        self._uploading: "set[str]" = set()
        self._spools: "set[str]" = set()
        self._waiting: List[Client] = []
        self._asked_to_stop = False
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        self._listener = _listen(name)
        self._started = time.monotonic()
        self._child_signals = _child_signal_pipe()
        self._watch(self._child_signals.fileno(), self._reap)
        self._add_connection(control)
        if self._listener is not None:
            self._watch(self._listener.fileno(), self._accept)

    def run(self) -> None:
        """Until there is nobody left to watch."""
        while not self._finished():
            self._rearm()
            try:
                events = self._epoll.poll(self._timeout())
            except InterruptedError:
                continue
            for fd, _ in events:
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()
            self._kill_late_workers()
            self._start_due_uploads()
            self._start_waiting()

    def _ask_to_stop(self, *_: object) -> None:
        """Heard, but as long as there is an application it is watched."""
        self._asked_to_stop = True

    def _finished(self) -> bool:
        if self._asked_to_stop and not self._clients:
            self._give_up_uploads()
        if self._clients or self._tasks or self._waiting or self._uploads:
            return False
        starting = not self._spools and self._connections
        return not (starting and time.monotonic() - self._started < _IDLE_START_S)

    def _give_up_uploads(self) -> None:
        """
        What is in the spool is sent by the next start.

        systemd asks every process of a unit to stop once the main one is gone, and starts the unit again
        only when all are: a service that does not answer must not hold that up.
        """
        self._uploads.clear()
        for task in self._tasks.values():
            if task.deadline is None:
                os.kill(task.pid, signal.SIGKILL)

    def _timeout(self) -> float:
        now = time.monotonic()
        due = [now + NUDGE_S / 2 if self._nudge else now + 3600]
        due.extend(self._uploads.values())
        due.extend(task.deadline for task in self._tasks.values() if task.deadline is not None)
        if not self._clients:
            due.append(now + _IDLE_START_S)
        if self._guard is not None:
            due.append(now + self._guard_s / 3)
        return max(0.0, min(due) - now)

    def _rearm(self) -> None:
        if self._nudge is not None:
            self._nudge.arm(NUDGE_S)
        if self._guard is not None:
            self._guard.arm(self._guard_s)

    # Watching.

    def _watch(self, fd: int, handler: Callable[[], None], events: int = select.EPOLLIN) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def _forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            try:
                self._epoll.unregister(fd)
            except OSError:
                pass

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if _peer_uid(sock) not in (os.getuid(), 0) or len(self._connections) >= MAX_CLIENTS:
            sock.close()
            return
        self._add_connection(sock)

    def _add_connection(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._connections[sock.fileno()] = sock
        self._watch(sock.fileno(), lambda: self._messages(sock))

    def _messages(self, sock: socket.socket) -> None:
        for _ in range(64):
            try:
                message = _wire.receive(sock, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ValueError:
                continue
            except (_wire.ClosedError, OSError):
                self._forget(sock.fileno())
                self._connections.pop(sock.fileno(), None)
                sock.close()
                return
            try:
                self._dispatch(sock, message)
            except (OSError, ValueError, TypeError, AttributeError):
                continue  # a message that makes no sense costs only itself

    # Messages.

    def _dispatch(self, sock: socket.socket, message: _wire.Received) -> None:
        """Whoever is called owns the message's descriptors."""
        fields = message.fields
        kind = fields.get("op")
        client = self._clients.get(message.pid)
        if kind == "register":
            self._register(message)
            return
        if kind in ("capture", "exception") and client is not None and len(message.fds) == 2:
            self._request(client, kind, int(fields.get("tid", 0)), message.fds)
            return
        _wire.close_all(message.fds)
        if kind == "hello":
            _wire.send(sock, {"pid": os.getpid()})
        elif client is None:
            return
        elif kind == "set":
            client.info.update(fields.get("info") or {})
        elif kind == "tag":
            tags = client.info.setdefault("tags", {})
            tags[str(fields.get("key"))] = str(fields.get("value"))
        elif kind == "unregister":
            self._remove(client)

    def _register(self, message: _wire.Received) -> None:
        known = self._clients.get(message.pid)
        if known is not None:
            self._remove(known)
        named = dict(zip(message.fields.get("fds") or [], message.fds))
        if not message.pid or "channel" not in named or len(named) != len(message.fds):
            _wire.close_all(message.fds)
            return
        client = Client(message.pid, message.fields)
        client.channel = socket.socket(fileno=named["channel"])
        client.tee_fd = named.get("stderr", -1)
        client.pidfd = named.get("pidfd", -1)
        if client.pidfd < 0 and not self._open_pidfd(client):
            client.close()
            return
        self._clients[client.pid] = client
        if client.pidfd >= 0:
            self._watch(client.pidfd, lambda: self._died(client))
        self._watch_channel(client, int(message.fields.get("fillers", 0)))
        self._take_options(client)

    def _open_pidfd(self, client: Client) -> bool:
        """False when it is dead already."""
        try:
            client.pidfd = pidfd_open(client.pid)
        except ProcessLookupError:
            return False
        except OSError:
            client.pidfd = -1
        return True

    def _take_options(self, client: Client) -> None:
        info = client.info
        spool = str(info.get("spool", ""))
        if info.get("upload", True) and spool:
            new = spool not in self._spools
            self._spools.add(spool)
            if new and spool not in self._uploading:
                self._uploads[spool] = time.monotonic() + 1.0
        guard = info.get("hangGuard")
        if guard and self._guard is None:
            self._guard = guard_timer()
            self._guard_s = max(1.0, float(guard))

    def _watch_channel(self, client: Client, fillers: int) -> None:
        """
        Edge-triggered: the fillers would always be readable.

        What came before it was watched raises no edge any more, so it is looked for once.
        """
        channel = client.channel
        if channel is None:
            return
        self._watch(channel.fileno(), lambda: self._channel_event(client), select.EPOLLIN | select.EPOLLET)
        client.info["fillers"] = fillers
        if has_text(channel, fillers):
            self._crashed(client)

    def _channel_event(self, client: Client) -> None:
        channel = client.channel
        if channel is None:
            return
        if has_text(channel, int(client.info.get("fillers", 0))):
            self._crashed(client)
        elif _at_end(channel):
            self._channel_ended(client)

    def _channel_ended(self, client: Client) -> None:
        """No process holds the other end: the client is dead, or Py_FatalError() switched faulthandler off."""
        if client.channel is not None:
            self._forget(client.channel.fileno())
        if client.pidfd < 0:
            self._remove(client)
        elif client.info.get("captureFatal") and not client.expects_capture:
            client.expects_capture = True
            from ._fatal_worker import handle_fatal

            client.reported = True
            self._fork_worker(client, lambda: handle_fatal(client.job), lambda code: self._after_crash(client, code))

    # Crashes.

    def _crashed(self, client: Client) -> None:
        channel = client.channel
        if channel is None:
            return
        self._forget(channel.fileno())
        if len(self._tasks) >= MAX_WORKERS:
            self._waiting.append(client)
            return
        client.reported = True

        def work() -> None:
            crashed = handle_crash(client.job, channel)
            raise SystemExit(0 if crashed == client.pid else _ANOTHER_PROCESS)

        self._fork_worker(client, work, lambda code: self._after_crash(client, code))

    def _start_waiting(self) -> None:
        while self._waiting and len(self._tasks) < MAX_WORKERS:
            self._crashed(self._waiting.pop(0))

    def _after_crash(self, client: Client, code: int) -> None:
        """A child that shares the channel may have crashed, and its parent lives: then the channel is watched on."""
        self._due_now(client)
        if code != 0:
            client.reported = False
        if client.pid not in self._clients or code not in (0, _ANOTHER_PROCESS):
            # A worker that failed may have left somebody waiting for it: EPIPE lets him go.
            if client.channel is not None:
                client.channel.close()
                client.channel = None
        elif client.channel is not None:
            self._watch_channel(client, 0)

    def _due_now(self, client: Client) -> None:
        spool = str(client.info.get("spool", ""))
        if client.info.get("upload", True) and spool and spool not in self._uploading:
            self._uploads[spool] = time.monotonic()
            self._retries.pop(spool, None)
        elif spool in self._uploading:
            self._retries[spool] = _AT_ONCE

    def _request(self, client: Client, kind: str, tid: int, fds: List[int]) -> None:
        text_fd, reply_fd = fds
        reply = socket.socket(fileno=reply_fd)

        def work() -> None:
            text = _read_all(text_fd)
            if kind == "capture":
                report = handle_request(client.job, text, tid or client.pid)
            else:
                report = handle_exception(client.job, text)
            _wire.send(reply, {"id": report})

        try:
            self._fork_worker(client, work, lambda _: self._due_now(client), keep=[text_fd, reply_fd])
        finally:
            reply.close()
            os.close(text_fd)

    def _died(self, client: Client) -> None:
        status = exit_status(client.pidfd)
        number = 0 if status is None else status & 0x7F
        if number in DEATHS and not client.reported and not client.info.get("supervisor"):
            client.reported = True
            self._fork_worker(
                client,
                lambda: handle_silent_death(client.job, number),
                lambda _: self._due_now(client),
            )
        self._remove(client)

    def _remove(self, client: Client) -> None:
        self._clients.pop(client.pid, None)
        if client.pidfd >= 0:
            self._forget(client.pidfd)
        if client.channel is not None:
            self._forget(client.channel.fileno())
        if client not in self._waiting:
            client.close()
        if not self._clients:
            for spool in self._uploads:
                if spool not in self._retries:
                    self._uploads[spool] = time.monotonic()

    # Children.

    def _fork_worker(
        self,
        client: Client,
        work: Callable[[], None],
        done: Callable[[int], None],
        keep: "list[int] | None" = None,
    ) -> None:
        kept = list(keep or [])
        if client.channel is not None:
            kept.append(client.channel.fileno())
        if client.tee_fd >= 0:
            kept.append(client.tee_fd)
        deadline = WORKER_DEADLINE_S + WORKER_GRACE_S
        self._fork(work, done, kept, time.monotonic() + deadline)

    def _fork(
        self,
        work: Callable[[], None],
        done: Callable[[int], None],
        keep: List[int],
        deadline: Optional[float],
    ) -> None:
        try:
            pid = os.fork()
        except OSError:
            done(1)
            return
        if pid == 0:
            code = 1
            try:
                _become_child(keep)
                work()
                code = 0
            except SystemExit as exit_request:
                code = exit_request.code if isinstance(exit_request.code, int) else 1
            except BaseException:
                sys.excepthook(*sys.exc_info())  # to nobody, unless FAULTLINE_DEBUG is set
            finally:
                os._exit(code)
        self._tasks[pid] = Task(pid, deadline, done)

    def _reap(self) -> None:
        try:
            self._child_signals.recv(4096)
        except OSError:
            pass
        for task in list(self._tasks.values()):
            try:
                done, status = os.waitpid(task.pid, os.WNOHANG)
            except ChildProcessError:
                done, status = task.pid, 0
            if done:
                del self._tasks[task.pid]
                code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128
                task.done(code)

    def _kill_late_workers(self) -> None:
        now = time.monotonic()
        for task in self._tasks.values():
            if task.deadline is not None and now > task.deadline:
                task.deadline = now + WORKER_GRACE_S
                try:
                    os.kill(task.pid, signal.SIGKILL)
                except OSError:
                    pass

    # Uploads.

    def _start_due_uploads(self) -> None:
        now = time.monotonic()
        for spool, due in list(self._uploads.items()):
            if due <= now:
                del self._uploads[spool]
                self._start_upload(spool)

    def _start_upload(self, spool: str) -> None:
        self._uploading.add(spool)

        def work() -> None:
            from ._uploader import NOTHING_LEFT, deliver

            raise SystemExit(0 if deliver(spool) == NOTHING_LEFT else 75)

        self._fork(work, lambda code: self._uploaded(spool, code), [], None)

    def _uploaded(self, spool: str, code: int) -> None:
        self._uploading.discard(spool)
        again = self._retries.pop(spool, 0)
        if again == _AT_ONCE:
            self._uploads[spool] = time.monotonic()
        elif code != 0 and (self._clients or (again < _LAST_RETRIES and not self._asked_to_stop)):
            self._retries[spool] = again + 1
            wait = min(RETRY_MAX_S, RETRY_BASE_S * 2**again) * (0.5 + os.urandom(1)[0] / 512)
            self._uploads[spool] = time.monotonic() + wait


def _listen(name: str) -> Optional[socket.socket]:
    """Abstract: no file to leave behind. None when the name is taken or there are no such names."""
    if not name:
        return None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind("\0" + name)
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        return None
    return listener


def _peer_uid(sock: socket.socket) -> int:
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(raw[4:8], "little")


def _at_end(channel: socket.socket) -> bool:
    poller = select.poll()
    poller.register(channel.fileno(), select.POLLIN)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poller.poll(0))


def _child_signal_pipe() -> socket.socket:
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _become_child(keep: List[int]) -> None:
    """
    Closes what belongs to the monitor.

    Above all the channels of other applications: as long as a copy is open here, they would wait for it instead of
    getting EPIPE when the monitor dies.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    close_descriptors({0, 1, 2, *keep})


def close_descriptors(keep: "set[int]") -> None:
    """All others of this process."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(3, 1024))
    for fd in numbers:
        if fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass


def _read_all(fd: int) -> bytes:
    pieces: List[bytes] = []
    size, limit = 0, 4 << 20
    os.lseek(fd, 0, os.SEEK_SET)
    while size < limit:
        piece = os.read(fd, 65536)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _be_unobtrusive() -> None:
    """Dies first when memory runs out, yields to the application, and ignores what a terminal sends."""
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        os.setsid()
    except OSError:
        pass
    for path, value in (("/proc/self/oom_score_adj", "200"), ("/proc/self/comm", "faultline")):
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            pass
    try:
        os.nice(5)
        os.chdir("/")
    except OSError:
        pass


def _preload() -> None:
    """Nothing is imported at crash time: the file system may be gone by then."""
    from . import _amd64, _arm64, _fatal_worker, _silent_death, _tee

    try:
        from . import _ptrace
    except (ImportError, OSError):
        return
    del _amd64, _arm64, _fatal_worker, _silent_death, _tee, _ptrace


def main(control_fd: int, name: str) -> None:
    """The monitor's process. `control_fd`: one end of a socket pair with the application that started it."""
    close_descriptors({0, 1, 2, control_fd})
    _be_unobtrusive()
    os.umask(0o077)
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    monitor = Monitor(control, name)
    _preload()
    try:
        import gc

        gc.collect()
        gc.freeze()
    finally:
        monitor.run()
    sys.exit(0)
