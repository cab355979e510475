"""Checks the ledger. Crashes: a fatal Python error, raised the way a C extension raises one."""

import ctypes


class Ledger:
    def __init__(self, checksum):
        self.checksum = checksum

    def check(self, expected):
        if self.checksum != expected:
            ctypes.pythonapi.Py_FatalError(b"the ledger's checksum does not match")


def run():
    Ledger(checksum=0x1D0F).check(expected=0xCAFE)
