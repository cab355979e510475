"""Search patterns, compiled by the C library's regular expressions."""

import ctypes

EXTENDED = 1
#: Room for a regex_t, whose size differs between systems.
REGEX_BYTES = 1024


class Pattern:
    def __init__(self, text):
        self.text = text

    def compile(self):
        # The bug: the C library parses a group inside a group by calling itself, without a limit.
        compiled = ctypes.create_string_buffer(REGEX_BYTES)
        if ctypes.CDLL(None).regcomp(compiled, self.text, EXTENDED) != 0:
            raise ValueError("bad pattern")
        return compiled
