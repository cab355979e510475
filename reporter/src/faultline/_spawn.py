"""Starting a monitor, or finding the one a parent process started."""

from __future__ import annotations

import os
import socket
import sys
from typing import Dict, List, Optional, Tuple

from . import _wire
from ._identity import descriptor_identity

MONITOR_VARIABLE = "FAULTLINE_MONITOR"
"""Name of the abstract socket that the monitor of this process and of its children listens on."""
DEBUG_VARIABLE = "FAULTLINE_DEBUG"
"""Where set, the monitor keeps the application's stderr and says there what goes wrong in it."""

_BOOT = (
    "import sys,types;"
    "package=types.ModuleType('faultline');"
    "package.__path__=[sys.argv[1]];"
    "sys.modules['faultline']=package;"
    "from faultline._monitor_process import main;"
    "main(int(sys.argv[2]),sys.argv[3])"
)
"""The package's own __init__ is for applications: a monitor has no use for what it imports."""
_DETACH = "import os;os.fork()and os._exit(0);"
_SHELL = "/bin/sh"


class Peer:
    """The control socket to a monitor. `fileno` may have been closed and taken by others: see `intact`."""

    def __init__(self, sock: socket.socket, name: str) -> None:
        self.socket = sock
        self.name = name
        self._identity = descriptor_identity(sock.fileno())

    @property
    def intact(self) -> bool:
        """
        Whether the descriptor still is our socket.

        Daemonising code closes 3..N, and the number then belongs to something of the application's.
        """
        return self._identity is not None and descriptor_identity(self.socket.fileno()) == self._identity

    @property
    def alive(self) -> bool:
        """Whether the monitor still has its end."""
        if not self.intact:
            return False
        import select

        poller = select.poll()
        poller.register(self.socket.fileno(), 0)
        return not poller.poll(0)

    def send(self, fields: _wire.Fields, fds: Tuple[int, ...] = ()) -> None:
        """Raises OSError, ValueError."""
        if not self.intact:
            raise OSError(9, "the control socket was closed by the application")
        _wire.send(self.socket, fields, fds)

    def close(self) -> None:
        """Closes our end, if it is still ours."""
        if self.intact:
            self.socket.close()
        else:
            self.socket.detach()


def new_monitor_name() -> str:
    """Unguessable, and told apart by user and protocol."""
    return f"faultline-{_wire.PROTOCOL}-{os.geteuid()}-{os.urandom(8).hex()}"


def find_monitor(name: Optional[str]) -> Optional[Peer]:
    """The monitor that listens on `name`; None when there is none, or it is another user's."""
    if not name or not name.startswith(f"faultline-{_wire.PROTOCOL}-"):
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.settimeout(0.2)
        sock.connect("\0" + name)
        sock.settimeout(None)
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if int.from_bytes(credentials[4:8], "little") not in (os.geteuid(), 0):
            raise PermissionError(1, "monitor of another user")
        return Peer(_out_of_the_way(sock), name)
    except OSError:
        sock.close()
        return None


def start_monitor(python: Optional[str], name: str) -> Peer:
    """Does not wait until it is ready: messages queue up. Raises OSError."""
    python = python or find_python()
    if not os.access(python, os.X_OK):
        raise FileNotFoundError(2, "no interpreter", python)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _spawn(python, theirs.fileno(), name)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Peer(_out_of_the_way(ours), name)


def _out_of_the_way(sock: socket.socket) -> socket.socket:
    import fcntl

    from ._limits import CHANNEL_MIN_FD

    for lowest in (CHANNEL_MIN_FD, CHANNEL_MIN_FD // 4):
        try:
            fd = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
        sock.close()
        return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fd)
    return sock


def find_python() -> str:
    """An interpreter: sys.executable, unless it is a program that embeds Python (uwsgi, mod_wsgi)."""
    executable = sys.executable or ""
    if "python" in os.path.basename(executable) and os.access(executable, os.X_OK):
        return executable
    import sysconfig

    folder = sysconfig.get_config_var("BINDIR") or os.path.join(sys.base_prefix, "bin")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for name in (version, "python3"):
        candidate = os.path.join(folder, name)
        if os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(2, f"no Python interpreter found in {folder}; name one with python=")


def _spawn(python: str, control_fd: int, name: str) -> None:
    """
    A child that ends at once, whose child is the monitor: it is init's, so no wait() of the application sees it.

    The shell ends within a millisecond; without one the interpreter forks itself, which takes ten.
    """
    number = 4 if control_fd == 3 else 3
    folder = os.path.dirname(os.path.abspath(__file__))
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    actions: List[Tuple[object, ...]] = [(os.POSIX_SPAWN_DUP2, control_fd, number)]
    if not debug:
        actions += [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    tail = [folder, str(number), name]
    command = [python, "-I", "-S", "-c", _BOOT, *tail]
    if os.access(_SHELL, os.X_OK):
        program, argv = _SHELL, [_SHELL, "-c", '"$@" &', "sh", *command]
    else:
        program, argv = python, [python, "-I", "-S", "-c", _DETACH + _BOOT, *tail]
    environment: Dict[str, str] = {**os.environ, MONITOR_VARIABLE: name}
    child = os.posix_spawn(program, argv, environment, file_actions=actions, setsigmask=())
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass  # the application ignores SIGCHLD, or reaps everything itself
