"""
Faultline's reporter: one line of Python, and every death of the process is captured.

    import faultline
    faultline.install("https://KEY@crashes.example.org/1", release="1.4.2")

Nothing here raises into the program or holds its death longer than stated; everything can be undone.
"""

from ._install import capture_now, ensure, install, set_tag, status, uninstall
from ._version import __version__

__all__ = [
    "__version__",
    "capture_now",
    "ensure",
    "install",
    "set_tag",
    "status",
    "uninstall",
]
