"""/proc/PID/maps (proc(5)): what is mapped where."""

from __future__ import annotations

from bisect import bisect_right
from typing import Iterator, List, NamedTuple, Optional, Sequence


class Mapping(NamedTuple):
    """One line of maps. `path` is empty for anonymous memory; " (deleted)" is cut off."""

    start: int
    end: int
    permissions: str
    offset: int
    path: str

    @property
    def executable(self) -> bool:
        """Whether code may run here."""
        return "x" in self.permissions

    @property
    def readable(self) -> bool:
        """Whether it can be read by the process itself."""
        return self.permissions.startswith("r")


class Maps:
    """The mappings of one process, in order of their addresses."""

    def __init__(self, mappings: Sequence[Mapping]) -> None:
        self._mappings = sorted(mappings)
        self._starts = [mapping.start for mapping in self._mappings]

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings)

    def __len__(self) -> int:
        return len(self._mappings)

    def at(self, address: int) -> Optional[Mapping]:
        """The mapping that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._mappings[index].end:
            return None
        return self._mappings[index]

    def after(self, address: int) -> Optional[Mapping]:
        """The first mapping that begins above `address`."""
        index = bisect_right(self._starts, address)
        return self._mappings[index] if index < len(self._mappings) else None


def parse_maps(text: bytes) -> Maps:
    """Lines that are not of this form are left out."""
    mappings: List[Mapping] = []
    for line in text.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(None, 5)
        if len(fields) < 5:
            continue
        try:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            offset = int(fields[2], 16)
        except ValueError:
            continue
        path = fields[5] if len(fields) > 5 else ""
        if path.endswith(" (deleted)"):
            path = path[: -len(" (deleted)")]
        mappings.append(Mapping(start, end, fields[1], offset, path))
    return Maps(mappings)
