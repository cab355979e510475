"""The printer's driver: a table of native functions, filled when the driver is loaded."""

import ctypes

PRINT_PAGE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)


class Printer:
    def __init__(self):
        # The bug: the driver was never loaded, its table is still all zeros.
        self.print_page = PRINT_PAGE(0)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        return False

    def page(self, text):
        return self.print_page(text.encode())
