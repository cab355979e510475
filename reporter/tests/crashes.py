"""Programs that die, one a function. Run as `python crashes.py NAME` with the reporter installed from FAULTLINE_TEST_*."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import mmap
import os
import signal
import sys
import threading
import time


def segv_null() -> None:
    ctypes.string_at(0)


def segv_write() -> None:
    ctypes.memset(0x123456, 1, 8)


def segv_text() -> None:
    """A write to a page that may only be executed."""
    address = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
    ctypes.memset(address or 0, 0, 8)


def segv_noncanonical() -> None:
    ctypes.string_at(0x4141414141414141)


def jump_null() -> None:
    ctypes.CFUNCTYPE(None)(0x10)()


def abort() -> None:
    os.abort()


def double_free() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    block = libc.malloc(4096)
    libc.free(block)
    libc.free(block)


def _machine_code(code: str) -> None:
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(bytes.fromhex(code))
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(address)(7, 0)


def div_zero() -> None:
    """mov eax, edi; cdq; idiv esi; ret"""
    _machine_code("89f899f7fec3")


def illegal() -> None:
    """ud2"""
    _machine_code("0f0b")


def bus() -> None:
    """A mapping longer than its file."""
    path = os.path.join(os.environ["FAULTLINE_TEST_DIR"], "short")
    with open(path, "w+b") as file:
        file.truncate(8192)
        memory = mmap.mmap(file.fileno(), 8192)
        file.truncate(0)
    memory[0:1] = b"x"


def qsort() -> None:
    """A callback from C that calls C that crashes."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda a, b: len(ctypes.string_at(0)))
    ctypes.CDLL(None).qsort((ctypes.c_int * 4)(4, 3, 2, 1), 4, 4, compare)


def _named(name: str, target: object) -> threading.Thread:
    thread = threading.Thread(target=target, name=name)  # type: ignore[arg-type]
    thread.start()
    return thread


def in_thread() -> None:
    _named("unlucky", segv_null).join()


def busy_threads() -> None:
    """Four that compute, four that wait, one that dies."""
    stop = time.time() + 20

    def busy() -> None:
        while time.time() < stop:
            sum(range(100))

    for number in range(4):
        threading.Thread(target=busy, daemon=True, name=f"busy-{number}").start()
        threading.Thread(target=time.sleep, args=(20,), daemon=True, name=f"idle-{number}").start()
    time.sleep(0.1)
    segv_null()


def many_threads() -> None:
    count = int(os.environ.get("FAULTLINE_TEST_THREADS", "200"))
    barrier = threading.Barrier(count + 1)

    def wait(depth: int) -> None:
        if depth:
            wait(depth - 1)
        else:
            barrier.wait()
            time.sleep(60)

    threading.stack_size(256 * 1024)
    for _ in range(count):
        threading.Thread(target=wait, args=(8,), daemon=True).start()
    barrier.wait()
    segv_null()


def c_thread() -> None:
    """A thread that Python knows nothing of."""
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, libc.strlen, None)
    libc.pthread_join(thread, None)
    time.sleep(5)


def overflow() -> None:
    """A function that does nothing but call itself."""
    _machine_code("e8fbffffff")


def overflow_in_thread() -> None:
    _named("deep", overflow).join()


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(5)


def at_exit() -> None:
    import atexit

    atexit.register(segv_null)


def fatal_error() -> None:
    ctypes.pythonapi.Py_FatalError(b"made up by a test")


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


def clean() -> None:
    sys.exit(3)


def python_fork() -> None:
    pid = os.fork()
    if pid == 0:
        segv_null()
    _, status = os.waitpid(pid, 0)
    print(json.dumps({"child": pid, "status": status}))


def c_fork() -> None:
    """A child whose fork no hook of Python saw."""
    pid = ctypes.CDLL(None).fork()
    if pid == 0:
        segv_null()
    _, status = os.waitpid(pid, 0)
    print(json.dumps({"child": pid, "status": status}))


def prefork() -> None:
    """Workers that die in turn, and a master that lives."""
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            time.sleep(0.02)
            segv_null()
        children.append(pid)
        os.waitpid(pid, 0)
    print(json.dumps({"children": children}))


def fork_storm() -> None:
    """All at once."""
    children = []
    for number in range(40):
        pid = os.fork()
        if pid == 0:
            if number % 4 == 0:
                segv_null()
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    print(json.dumps({"statuses": statuses}))


def spawned_child() -> None:
    """A Python program started by this one installs the reporter itself."""
    import subprocess

    child = subprocess.Popen([sys.executable, __file__, "segv_null"])
    child.wait()
    print(json.dumps({"child": child.pid, "status": child.returncode, "monitor": os.environ["FAULTLINE_MONITOR"]}))


def uninstalled() -> None:
    import faultline

    before = faulthandler.is_enabled()
    faultline.uninstall()
    print(json.dumps({"enabled": before, "status": faultline.status()}))
    segv_null()


def uninstalled_abort() -> None:
    import faultline

    faultline.uninstall()
    os.abort()


def captured_now() -> None:
    import faultline

    _named("idler", lambda: time.sleep(1))
    print(json.dumps({"id": faultline.capture_now()}))


def secrets() -> None:
    """Plants what must never leave: in the heap, in the arguments, in the environment, in locals."""
    token = os.environ["SECRET_IN_ENVIRONMENT"]
    heap = [f"heap-{number}-{token[::-1]}" for number in range(2000)]
    copies = {key: value.encode() for key, value in os.environ.items()}
    local = "local-" + "".join(chr(ord(letter) + 0) for letter in token[::-1])

    def deeper(argument: str) -> None:
        buffers = [argument.encode() * 3, bytearray(token, "ascii")]
        segv_null()
        del buffers

    deeper(local)
    del heap, copies


def exception() -> None:
    raise ValueError("nobody caught this")


def exception_in_thread() -> None:
    _named("raiser", exception).join()


def exception_in_task() -> None:
    import asyncio
    import gc

    async def fail() -> None:
        raise ValueError("nobody awaited this")

    async def main() -> None:
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0.01)
        del task
        gc.collect()

    asyncio.run(main())


def unraisable() -> None:
    class Angry:
        def __del__(self) -> None:
            raise ValueError("nobody can catch this")

    Angry()


def wait_for_signal() -> None:
    """Ready to be killed by the test."""
    print(json.dumps({"pid": os.getpid()}), flush=True)
    time.sleep(30)


def crash_on_input() -> None:
    """Says that it is ready, and dies when it is told to."""
    print(json.dumps({"pid": os.getpid()}), flush=True)
    sys.stdin.readline()
    segv_null()


def fork_on_input() -> None:
    """Forks when told to, by then without a monitor; the child dies."""
    print(json.dumps({"pid": os.getpid()}), flush=True)
    sys.stdin.readline()
    pid = os.fork()
    if pid == 0:
        segv_null()
    _, status = os.waitpid(pid, 0)
    print(json.dumps({"child": pid, "status": status}))


def pipe_signal_on_input() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    crash_on_input()


def closes_everything() -> None:
    """What daemonising code does, and then it opens files of its own under the same numbers."""
    os.closerange(3, 1024)
    path = os.path.join(os.environ["FAULTLINE_TEST_DIR"], "own")
    for _ in range(1021):
        os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    import faultline

    faultline.set_tag("key", "value")
    print(json.dumps({"own": os.stat(path).st_size, "alive": faultline.status()["alive"]}), flush=True)
    os._exit(0)


def stderr_full() -> None:
    """Nobody reads its stderr."""
    os.set_blocking(2, False)
    try:
        while True:
            os.write(2, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(2, True)
    crash_on_input()


def ensure_on_input() -> None:
    import faultline

    print(json.dumps({"pid": os.getpid()}), flush=True)
    sys.stdin.readline()
    before = faultline.status()["alive"]
    print(json.dumps({"before": before, "ensured": faultline.ensure()}), flush=True)
    segv_null()


def crash_soon() -> None:
    """All programs that are started together die at about the same time."""
    time.sleep(max(0.0, float(os.environ["FAULTLINE_TEST_AT"]) - time.time()))
    segv_null()


def main() -> None:
    options = json.loads(os.environ.get("FAULTLINE_TEST_OPTIONS", "{}"))
    if options is not None:
        import faultline

        if not faultline.install(**options):
            print(f"install: {faultline.status()}", file=sys.stderr)
        if os.environ.get("FAULTLINE_TEST_STATUS"):
            print(json.dumps(faultline.status()), file=sys.stderr)
    globals()[sys.argv[1]]()


if __name__ == "__main__":
    main()
