"""Compiles sources as the interpreter that runs this command does: PEP 552 files, checked by nobody, of source hash."""

from __future__ import annotations

import importlib.util
import marshal
import sys
import warnings
from typing import Optional

_HASH_BASED = 1
"""PEP 552: bit 0 set, bit 1 (check the source) not."""


def compile_source(source: bytes, name: str) -> Optional[bytes]:
    """The .pyc's bytes; None for what this interpreter cannot compile (templates, Python 2)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    header = importlib.util.MAGIC_NUMBER + _HASH_BASED.to_bytes(4, "little") + importlib.util.source_hash(source)
    return header + marshal.dumps(code)


def compiled_name(name: str) -> str:
    """`app/jobs.py` → `app/__pycache__/jobs.cpython-312.pyc`."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{base[:-3]}.{sys.implementation.cache_tag}.pyc"
