"""Imports a supplier's catalog. Crashes: SIGSEGV, a NULL pointer read below ``Thumbnail.load``."""

from shop.instrument import retry, timed
from shop.media.thumbnails import Thumbnail


class CatalogImporter:
    def __init__(self, rows):
        self.rows = rows

    @timed
    def run(self):
        return [self.add(row) for row in self.rows]

    @retry(times=3)
    def add(self, row):
        return row["name"], Thumbnail(row["picture"]).load()


def run():
    CatalogImporter(
        [
            {"name": "teapot", "picture": "teapot.png"},
            {"name": "kettle", "picture": "kettle.webp"},
        ]
    ).run()
