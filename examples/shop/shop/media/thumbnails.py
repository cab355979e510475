"""Thumbnails, drawn by a native library that answers NULL for a picture it does not know."""

import ctypes


class Codec:
    """Stands for the binding to an image library."""

    PNG = ctypes.c_char_p(b"\x89PNG\r\n\x1a\n")

    def address_of_header(self, path):
        """Where the library put the picture's header; NULL when *path* is no picture."""
        return ctypes.cast(self.PNG, ctypes.c_void_p).value if path.endswith(".png") else None

    def header(self, path):
        # The bug: nobody looks whether the address is NULL.
        return ctypes.string_at(self.address_of_header(path))


class Thumbnail:
    def __init__(self, path, codec=None):
        self.path = path
        self.codec = codec or Codec()

    def load(self):
        return self.codec.header(self.path)
