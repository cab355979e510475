"""
Compiles sources as the interpreter that runs this command does, to the same bytes each time: PEP 552 files by hash.

The current version of marshal writes references to what is used twice, and tells that by reference counts, which
differ from run to run. Version 2 writes none.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import warnings
from typing import Optional

_HASH_BASED = 1
"""PEP 552: bit 0 set, bit 1 (check the source) not."""


_WITHOUT_REFERENCES = 2


def compile_source(source: bytes, name: str) -> Optional[bytes]:
    """The .pyc's bytes; None for what this interpreter cannot compile (templates, Python 2)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    header = importlib.util.MAGIC_NUMBER + _HASH_BASED.to_bytes(4, "little") + importlib.util.source_hash(source)
    try:
        return header + marshal.dumps(code, _WITHOUT_REFERENCES)
    except ValueError:  # a constant that version does not know: slices, since 3.14
        return header + marshal.dumps(code)


def compiled_name(name: str) -> str:
    """`app/jobs.py` → `app/__pycache__/jobs.cpython-312.pyc`."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{base[:-3]}.{sys.implementation.cache_tag}.pyc"
