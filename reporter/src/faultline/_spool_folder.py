"""Where the spool is, unless the host says otherwise."""

from __future__ import annotations

import os


def default_spool() -> str:
    """`$XDG_STATE_HOME/faultline`, `~/.local/state/faultline`, or a folder of ours below /var/tmp."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):
        return os.path.join(state, "faultline")
    home = os.path.expanduser("~")
    if os.path.isabs(home) and os.access(home, os.W_OK) and home != "/":
        return os.path.join(home, ".local", "state", "faultline")
    if os.name != "posix":
        return os.path.join(home, "faultline")
    return f"/var/tmp/faultline-{os.getuid()}"  # noqa: S108  (refused unless it is ours)
