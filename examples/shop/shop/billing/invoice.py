"""Prints an invoice. Crashes: SIGSEGV, a call through a NULL function pointer."""

from shop.billing.printer import Printer
from shop.instrument import timed


class Invoice:
    class Line:
        def __init__(self, article, pieces, cents):
            self.article = article
            self.pieces = pieces
            self.cents = cents

        def __str__(self):
            return "{:>3} {:<20} {:>8.2f}".format(self.pieces, self.article, self.cents / 100)

    def __init__(self, number, lines):
        self.number = number
        self.lines = [self.Line(*line) for line in lines]

    @timed
    def print(self, printer):
        return [printer.page(str(line)) for line in self.lines]


def run():
    with Printer() as printer:
        Invoice(4711, [("teapot", 2, 4250), ("kettle", 1, 3900)]).print(printer)
