"""A price cache "shared between processes": it hands out addresses of objects."""

import ctypes


class SharedCache:
    def __init__(self, addresses):
        self._addresses = addresses

    def __getitem__(self, key):
        # The bug: an address means nothing in another process than the one that took it.
        return ctypes.cast(self._addresses[key], ctypes.py_object).value
