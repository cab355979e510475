"""Reads the sales file through a memory map. Crashes: SIGBUS, another process cut the file meanwhile."""

import mmap
import os
import tempfile

PAGES = 4


class SalesFile:
    def __init__(self, file):
        self.file = file
        self.map = mmap.mmap(file.fileno(), 0)

    def last_record(self):
        return self.map[-16:]


def rotate(file):
    """What the log rotation does, at the worst moment."""
    os.truncate(file.name, 0)


def run():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" * mmap.PAGESIZE * PAGES)
        file.flush()
        sales = SalesFile(file)
        rotate(file)
        sales.last_record()
