"""Decorators that every layer of the shop wears; they must not hide where a crash happened."""

import functools
import time


def timed(function):
    """Counts the seconds spent in *function*."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        started = time.monotonic()
        try:
            return function(*args, **kwargs)
        finally:
            wrapper.seconds += time.monotonic() - started

    wrapper.seconds = 0.0
    return wrapper


def retry(*, times):
    """Calls again after an OSError, up to *times* times. A segmentation fault is not an OSError."""

    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for attempt in range(1, times + 1):
                try:
                    return function(*args, **kwargs)
                except OSError:
                    if attempt == times:
                        raise

        return wrapper

    return decorator
