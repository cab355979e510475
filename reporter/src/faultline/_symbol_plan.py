"""What to send of an inventory, and what it lacks whatever is sent."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import sys
from collections import Counter
from typing import IO, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ._compiled import compile_source, compiled_name
from ._debug_files import DebugFiles
from ._symbol_files import Found, Inventory, Native


class Item(NamedTuple):
    """One file to send, unless the service has it."""

    kind: str
    """pyc, source, native or debug."""
    name: str
    sha256: str
    size: int
    open: Callable[[], "IO[bytes]"]


class Plan(NamedTuple):
    """`missing`: what no upload can mend, a line each."""

    items: List[Item]
    missing: List[str]


def make_plan(
    inventory: Inventory, debug_folders: List[str], sources: bool, native: bool, stripped_ok: Sequence[str]
) -> Plan:
    """Reads every file once."""
    plan = Plan([], [])
    _plan_python(inventory, sources, plan)
    if native:
        _plan_native(inventory, DebugFiles(inventory.natives, debug_folders), stripped_ok, plan)
    return plan


def _plan_python(inventory: Inventory, sources: bool, plan: Plan) -> None:
    """The service takes one compiled file a source and release: that of the interpreter the release runs on."""
    tag = _interpreter(inventory)
    chosen = _chosen(inventory, tag)
    for found in chosen.values():
        plan.items.append(_as_it_is("pyc", found))
    for name, found in inventory.sources.items():
        if sources:
            plan.items.append(_as_it_is("source", found))
        if name in chosen:
            continue
        if tag == sys.implementation.cache_tag:
            plan.items.extend(_compiled(found, name))
        else:
            plan.missing.append(f"{name}: no compiled file of {tag}, and this is {sys.implementation.cache_tag}")


def _interpreter(inventory: Inventory) -> str:
    """The cache tag to send files of: our own, unless all compiled files found are of others; then the commonest."""
    tags = Counter(tag_of(name) for name in inventory.compiled)
    tags.pop("", None)
    own = str(sys.implementation.cache_tag)
    return own if own in tags or not tags else tags.most_common(1)[0][0]


def _chosen(inventory: Inventory, tag: str) -> Dict[str, Found]:
    """Source path → its compiled file; of PEP 488's levels the least optimised."""
    chosen: Dict[str, Found] = {}
    for name in sorted(inventory.compiled, key=lambda one: (".opt-" in one, one)):
        if tag_of(name) in (tag, ""):
            chosen.setdefault(inventory.source_of(name), inventory.compiled[name])
    return chosen


def tag_of(name: str) -> str:
    """`cpython-312` of `__pycache__/jobs.cpython-312.opt-1.pyc`; empty for a file beside its source."""
    parts = name.rpartition("/")[2].split(".")
    return parts[1] if len(parts) > 2 else ""


def _compiled(found: Found, name: str) -> Iterator[Item]:
    """Compiled once to know its hash, and once more if it has to be sent. None for what cannot be compiled."""

    def compiled() -> Optional[bytes]:
        return compile_source(found.read(), name)

    data = compiled()
    if data is not None:
        digest = hashlib.sha256(data).hexdigest()
        yield Item("pyc", compiled_name(name), digest, len(data), lambda: io.BytesIO(compiled() or b""))


def _plan_native(inventory: Inventory, debug: DebugFiles, stripped_ok: Sequence[str], plan: Plan) -> None:
    sent: Set[str] = set()
    for native in inventory.natives:
        if not native.elf.has_code:
            continue  # a debug file below the paths: it goes with the file it belongs to
        if not native.elf.build_id:
            plan.missing.append(f"{native.file.name}: no build id; link with --build-id")
        found = debug.of(native)
        may_lack = any(fnmatch.fnmatch(native.file.name, pattern) for pattern in stripped_ok)
        if found is None and not may_lack:
            plan.missing.append(_lacks(native))
        if found is not None and found.elf.alternate and debug.alternate_of(found.elf) is None:
            plan.missing.append(f"{native.file.name}: its debug file wants another one, {found.elf.alternate}")
        for kind, file in _files_of(native, found, debug):
            item = _as_it_is(kind, file)
            if item.sha256 not in sent:
                sent.add(item.sha256)
                plan.items.append(item)


def _files_of(native: Native, found: Optional[Native], debug: DebugFiles) -> Iterator[Tuple[str, Found]]:
    """The file itself, its debug file, the one that dwz made of several, and the package of split ones."""
    yield "native", native.file
    if found is None:
        return
    alternate, package = debug.alternate_of(found.elf), debug.package_of(native)
    for file in (found.file, alternate.file if alternate else None, package):
        if file is not None and file is not native.file:
            yield "debug", file


def _lacks(native: Native) -> str:
    link = f", {native.elf.debug_link}" if native.elf.debug_link else ""
    names = "names of functions only" if native.elf.has_symbols else "exported names only"
    return f"{native.file.name}: no debug information ({names}); no debug file {native.elf.build_id}{link}"


def _as_it_is(kind: str, found: Found) -> Item:
    return Item(kind, found.name, found.sha256(), found.size, found.open)
