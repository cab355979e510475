"""Moves stock between two warehouses. Hangs: two threads, two locks, opposite order; a watchdog ends it."""

import faulthandler
import threading

PATIENCE_SECONDS = 1.5


class Warehouse:
    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()


class Transfer(threading.Thread):
    def __init__(self, source, target, both_started):
        super().__init__(name="transfer-from-" + source.name)
        self.source = source
        self.target = target
        self.both_started = both_started

    def run(self):
        with self.source.lock:
            self.both_started.wait()
            self.book()

    def book(self):
        with self.target.lock:
            pass


def run():
    faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
    north, south = Warehouse("north"), Warehouse("south")
    both_started = threading.Barrier(2)
    transfers = [Transfer(north, south, both_started), Transfer(south, north, both_started)]
    for transfer in transfers:
        transfer.start()
    for transfer in transfers:
        transfer.join()
