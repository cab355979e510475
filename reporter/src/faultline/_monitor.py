"""
The monitor: it waits beside applications for them to die.

The loop answers messages, watches channels and pidfds, and forks; it captures nothing and touches no disk, so that it
can always take the next crash. It ends by itself when the last application is gone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from typing import Callable, Dict, List, Optional

from . import _wire
from ._channel import has_text
from ._children import Children
from ._client import Client
from ._descriptors import read_whole
from ._kernel_timer import KernelTimer, guard_timer, nudge_timer
from ._limits import MAX_CLIENTS, MAX_TEXT_BYTES, MAX_WORKERS, NUDGE_S
from ._pidfd import exit_status
from ._signals import DEATHS
from ._upload_schedule import UploadSchedule
from ._worker import HANDLED, NOT_IT, STUCK, handle_crash, handle_exception, handle_request, handle_silent_death

_IDLE_START_S = 30.0
"""A monitor nobody registers with ends after this time."""


class Monitor:
    """One process's worth of it: `run` answers when there is nobody left."""

    def __init__(self, control: socket.socket, listener: Optional[socket.socket]) -> None:
        self._nudge = nudge_timer()
        self._guard: Optional[KernelTimer] = None
        self._guard_s = 0.0
        self._rearm()
        self._epoll = select.epoll()
        self._handlers: Dict[int, Callable[[], None]] = {}
        self._clients: Dict[int, Client] = {}
        self._connections: Dict[int, socket.socket] = {}
        self._waiting: List[Client] = []
        """Crashed while MAX_WORKERS were at work."""
        self._children = Children()
        self._uploads = UploadSchedule(self._children)
        self._started = time.monotonic()
        self._had_clients = self._asked_to_stop = False
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        self._watch(self._children.fileno(), self._children.reap)
        self._add_connection(control)
        self._listener = listener
        if listener is not None:
            self._watch(listener.fileno(), self._accept)

    def run(self) -> None:
        """Until there is nobody left to watch, and nothing left to do."""
        while not self._finished():
            self._rearm()
            for fd, _ in self._epoll.poll(self._timeout()):
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()
            self._children.kill_late()
            self._uploads.start_due()
            while self._waiting and len(self._children) < MAX_WORKERS:
                self._crashed(self._waiting.pop(0))

    def _ask_to_stop(self, *_: object) -> None:
        """
        Heard, but as long as there is an application it is watched.

        systemd asks every process of a unit to stop once the main one is gone, and starts the unit again only when all
        are: a service that does not answer must not hold that up.
        """
        self._asked_to_stop = True

    def _finished(self) -> bool:
        if self._asked_to_stop and not self._clients:
            self._uploads.give_up()
        if self._clients or self._waiting or len(self._children) or self._uploads.next_due is not None:
            return False
        is_starting = not self._had_clients and self._connections
        return not (is_starting and time.monotonic() - self._started < _IDLE_START_S)

    def _timeout(self) -> float:
        now = time.monotonic()
        due = [now + (NUDGE_S / 2 if self._nudge else 3600.0)]
        due.extend(one for one in (self._uploads.next_due, self._children.next_deadline) if one is not None)
        if not self._had_clients:
            due.append(now + _IDLE_START_S)
        if self._guard is not None:
            due.append(now + self._guard_s / 3)
        return max(0.0, min(due) - now)

    def _rearm(self) -> None:
        if self._nudge is not None:
            self._nudge.arm(NUDGE_S)
        if self._guard is not None:
            self._guard.arm(self._guard_s)

    # What is watched.

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

    # Messages.

    def _messages(self, sock: socket.socket) -> None:
        for _ in range(64):
            try:
                self._dispatch(sock, _wire.receive(sock, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return
            except (_wire.ClosedError, ConnectionError):
                self._forget(sock.fileno())
                self._connections.pop(sock.fileno(), None)
                sock.close()
                return
            except (OSError, ValueError, TypeError, AttributeError):
                continue  # a message that makes no sense costs only itself

    def _dispatch(self, sock: socket.socket, message: _wire.Received) -> None:
        """Whoever is called owns the message's descriptors."""
        fields = message.fields
        kind = fields.get("op")
        client = self._clients.get(message.pid)
        if kind == "register":
            self._register(message)
            return
        if kind in ("capture", "exception") and client is not None and len(message.fds) == 2:
            self._request(client, kind, int(fields.get("tid") or 0), *message.fds)
            return
        _wire.close_all(message.fds)
        if kind == "hello":
            _wire.send(sock, {"pid": os.getpid()})
        elif client is None:
            return
        elif kind == "set":
            client.info.update(fields.get("info") or {})
        elif kind == "tag":
            client.info.setdefault("tags", {})[str(fields.get("key"))] = str(fields.get("value"))
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
        client = Client(message.pid, message.fields, named)
        if not client.is_there():
            client.close()
            return
        self._clients[client.pid] = client
        self._had_clients = self._uploads.has_applications = True
        if client.pidfd >= 0:
            self._watch(client.pidfd, lambda: self._died(client))
        self._watch_channel(client)
        if client.spool:
            self._uploads.offer(client.spool)
        guard = client.info.get("hangGuard")
        if guard and self._guard is None:
            self._guard, self._guard_s = guard_timer(), max(1.0, float(guard))

    def _request(self, client: Client, kind: str, tid: int, text_fd: int, reply_fd: int) -> None:
        """A dump of a process that lives, or a traceback. Whoever asked waits for the answer."""

        def work() -> None:
            text = read_whole(text_fd, MAX_TEXT_BYTES)
            if kind == "capture":
                report = handle_request(client.job, text, tid or client.pid)
            else:
                report = handle_exception(client.job, text)
            _wire.send(socket.socket(fileno=reply_fd), {"id": report})

        try:
            keep = [*client.descriptors(), text_fd, reply_fd]
            self._children.start(work, lambda _: self._something_new(client), keep)
        finally:
            _wire.close_all((text_fd, reply_fd))

    # Deaths.

    def _watch_channel(self, client: Client) -> None:
        """
        Edge-triggered: the fillers would always be readable.

        What came before it was watched raises no edge any more, so it is looked for once.
        """
        if client.channel is None:
            return
        fd = client.channel.fileno()
        self._watch(fd, lambda: self._channel_event(client), select.EPOLLIN | select.EPOLLET)
        if has_text(client.channel, client.fillers):
            self._crashed(client)

    def _channel_event(self, client: Client) -> None:
        if client.channel is None:
            return
        if has_text(client.channel, client.fillers):
            self._crashed(client)
        elif _at_end(client.channel):
            self._channel_ended(client)

    def _channel_ended(self, client: Client) -> None:
        """No process holds the other end: the client is dead, or Py_FatalError() switched faulthandler off."""
        if client.channel is not None:
            self._forget(client.channel.fileno())
        if client.pidfd < 0:
            self._remove(client)
        elif client.info.get("captureFatal") and not client.looked_at_end:
            client.looked_at_end = client.reported = True

            def work() -> int:
                from ._fatal_worker import handle_fatal

                return HANDLED if handle_fatal(client.job) else NOT_IT

            self._children.start(work, lambda code: self._after_crash(client, code), client.descriptors())

    def _crashed(self, client: Client) -> None:
        channel = client.channel
        if channel is None:
            return
        self._forget(channel.fileno())
        if len(self._children) >= MAX_WORKERS:
            self._waiting.append(client)
            return
        client.reported = True

        self._children.start(
            lambda: handle_crash(client.job, channel),
            lambda code: self._after_crash(client, code),
            client.descriptors(),
        )

    def _after_crash(self, client: Client, code: int) -> None:
        """A child that shares the channel may have crashed, and its parent lives: then the channel is watched on."""
        self._something_new(client)
        client.reported = code in (HANDLED, STUCK)
        if client.pid not in self._clients:
            client.close()
        elif code in (HANDLED, NOT_IT):
            client.info["fillers"] = 0
            self._watch_channel(client)
        else:
            # A worker that failed, or let a process go that had not ended, may have left somebody waiting in a write.
            client.close_channel()

    def _died(self, client: Client) -> None:
        status = exit_status(client.pidfd)
        number = 0 if status is None else status & 0x7F
        if number in DEATHS and not client.reported and not client.info.get("supervisor"):
            client.reported = True

            def work() -> None:
                handle_silent_death(client.job, number)

            self._children.start(work, lambda _: self._something_new(client), client.descriptors())
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
            self._uploads.hurry()

    def _something_new(self, client: Client) -> None:
        if client.spool:
            self._uploads.something_new(client.spool)


def _peer_uid(sock: socket.socket) -> int:
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(raw[4:8], "little")


def _at_end(channel: socket.socket) -> bool:
    poller = select.poll()
    poller.register(channel.fileno(), select.POLLIN)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poller.poll(0))
