"""Closes the day's books, an account a thread. Crashes: SIGABRT, ``os.abort`` in a worker thread."""

import os
from concurrent.futures import ThreadPoolExecutor


class Account:
    def __init__(self, name, entries):
        self.name = name
        self.entries = entries

    def close(self):
        if sum(self.entries) != 0:
            os.abort()  # rather no books than wrong books
        return self.name


def run():
    accounts = [Account("till", [5, -5]), Account("bank", [120, -119])]
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="books") as pool:
        list(pool.map(Account.close, accounts))
