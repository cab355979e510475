"""
Builds the wheel and the sdist with nothing but the standard library (PEP 517, 427, 625).

A host that takes the reporter as source may reach no package index: every Python with pip can install this folder, and
one without pip builds the wheel by `python packaging/backend.py DIR`. The same files give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import sys
import tarfile
import zipfile
from typing import Any, Dict, List, Optional, Tuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = "faultline_reporter"
SCRIPT = "[console_scripts]\nfaultline-reporter = faultline._cli:main\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: faultline-reporter\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SDIST_ROOTS = ("LICENSE", "README.md", "pyproject.toml", "bench.py", "run-tests", "dev-requirements.txt")
SDIST_FOLDERS = ("packaging", "src", "tests")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)

Settings = Optional[Dict[str, Any]]


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: Optional[str] = None
) -> str:
    """Its file name (PEP 517)."""
    del config_settings, metadata_directory
    info = f"{NAME}-{_version()}.dist-info"
    files = [(name[len("src/") :], data) for name, data in _below("src") if name.endswith((".py", "py.typed"))]
    files += [
        (f"{info}/LICENSE", _read("LICENSE")),
        (f"{info}/METADATA", _metadata()),
        (f"{info}/WHEEL", WHEEL.encode()),
        (f"{info}/entry_points.txt", SCRIPT.encode()),
    ]
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files)
    files.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    filename = f"{NAME}-{_version()}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return filename


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Its file name (PEP 517)."""
    del config_settings
    base = f"{NAME}-{_version()}"
    files = [(name, _read(name)) for name in SDIST_ROOTS]
    files += [file for folder in SDIST_FOLDERS for file in _below(folder)]
    files.append(("PKG-INFO", _metadata()))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(files):
            entry = tarfile.TarInfo(f"{base}/{name}")
            entry.size = len(data)
            entry.mode = 0o755 if name == "run-tests" else 0o644
            archive.addfile(entry, io.BytesIO(data))
    with open(os.path.join(sdist_directory, f"{base}.tar.gz"), "wb") as file:
        file.write(gzip.compress(packed.getvalue(), 9, mtime=0))
    return f"{base}.tar.gz"


def _version() -> str:
    found = re.search(r'__version__ = "([^"]+)"', _read("src/faultline/_version.py").decode())
    if found is None:
        raise ValueError("src/faultline/_version.py: wanted __version__, found none")
    return found.group(1)


def _metadata() -> bytes:
    head, name, rest = _read("packaging/METADATA").decode().partition("Name: faultline-reporter\n")
    return f"{head}{name}Version: {_version()}\n{rest}\n{_read('README.md').decode()}".encode()


def _below(folder: str) -> List[Tuple[str, bytes]]:
    found = []
    for path, folders, names in os.walk(os.path.join(ROOT, folder)):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.endswith(".egg-info"))
        for name in sorted(names):
            relative = os.path.relpath(os.path.join(path, name), ROOT).replace(os.sep, "/")
            if not name.endswith(".pyc"):
                found.append((relative, _read(relative)))
    return found


def _read(name: str) -> bytes:
    with open(os.path.join(ROOT, name), "rb") as file:
        return file.read()


def _digest(data: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')}"


if __name__ == "__main__":
    print(build_wheel(sys.argv[1]))
