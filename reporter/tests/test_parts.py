"""The small parts: DSNs, ids, options, maps, memory, multipart, messages, channels, layouts of CPython."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Dict

import pytest

from conftest import SOURCE
from faultline import _gaps, _wire
from faultline._channel import TextReader, has_text, open_channel
from faultline._compiled import compile_source, compiled_name
from faultline._core import FileImage
from faultline._dsn import parse_dsn
from faultline._elf import build_id, find_note, find_symbol, gnu_hash, read_image
from faultline._elf_file import read_elf_file
from faultline._maps import parse_maps
from faultline._memory import Memory, RangeMemory, RecordingMemory
from faultline._minidump import MinidumpWriter
from faultline._multipart import Part, multipart
from faultline._options import resolve
from faultline._python_layout import COOKIE, SELF_DESCRIBED, layout_of
from faultline._signals import signal_name, signal_printed_in
from faultline._uuid7 import time_of, uuid7

OPTIONS: Dict[str, Any] = dict(
    release=None, environment=None, tags=None, spool=None, upload=True, python=None, python_memory=True,
    send_argv=False, send_environ=False, max_dump_mb=8, thread_altstacks=True, capture_fatal=False, exceptions=False,
    allow_dumpable=False, hang_guard=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "crashes", "key", "project"),
    [
        ("http://k@localhost:8080/1", "http://localhost:8080/api/v1/crashes", "k", "1"),
        ("https://k%40y@h/prefix/shop", "https://h/prefix/api/v1/crashes", "k@y", "shop"),
        ("https://k@[::1]:9/1", "https://[::1]:9/api/v1/crashes", "k", "1"),
        ("https://k@h", "https://h/api/v1/crashes", "k", ""),
    ],
)
def test_a_dsn(text: str, crashes: str, key: str, project: str) -> None:
    dsn = parse_dsn(text)
    assert (dsn.crashes, dsn.key, dsn.project) == (crashes, key, project)


@pytest.mark.parametrize("text", ["", "ftp://k@h/1", "http://h/1", "http://k@/1", "http://k@h:port/1"])
def test_a_dsn_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_dsn(text).crashes


def test_ids_sort_by_time_and_are_of_version_7() -> None:
    ids = [uuid7() for _ in range(100)]
    assert len(set(ids)) == 100
    parsed = [uuid.UUID(one) for one in ids]
    assert {one.version for one in parsed} == {7}
    assert {one.variant for one in parsed} == {uuid.RFC_4122}
    assert abs(time_of(ids[0]) - time.time()) < 10


def test_options_come_from_the_environment_where_they_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTLINE_DSN", "http://k@h/1")
    monkeypatch.setenv("FAULTLINE_RELEASE", "r1")
    found = resolve(None, OPTIONS)
    assert (found.dsn, found.release) == ("http://k@h/1", "r1")
    assert resolve("http://other@h/1", {**OPTIONS, "release": "r2"}).release == "r2"
    with pytest.raises(ValueError, match="MAX_TAGS"):
        resolve(None, {**OPTIONS, "tags": {str(number): "" for number in range(1000)}})


def test_each_option_closes_its_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gaps, "tells_exit_status", lambda: True)
    monkeypatch.setattr(_gaps, "has_ptrace_capability", lambda: False)
    monkeypatch.setattr(_gaps, "is_dumpable", lambda: True)
    monkeypatch.setattr(_gaps, "ptrace_scope", lambda: 1)
    open_gaps = _gaps.gaps_of(resolve(None, {**OPTIONS, "thread_altstacks": False}), "monitor")
    closed = _gaps.gaps_of(resolve("http://k@h/1", {**OPTIONS, "capture_fatal": True}), "monitor")
    assert len(open_gaps) - len(closed) == 3
    monkeypatch.setattr(_gaps, "ptrace_scope", lambda: 2)
    monkeypatch.setattr(_gaps, "tells_exit_status", lambda: False)
    told = " ".join(_gaps.gaps_of(resolve(None, OPTIONS), "monitor"))
    assert "ptrace_scope is 2; set it to 1" in told
    assert "needs Linux 6.15" in told


def test_maps() -> None:
    maps = parse_maps(
        b"00400000-00401000 r-xp 00001000 08:01 42 /usr/bin/a program (deleted)\nnot a line\n"
        b"7f00-8000 ---p 00000000 00:00 0 \n"
    )
    assert [one.path for one in maps] == ["", "/usr/bin/a program"]
    found = maps.at(0x400FFF)
    assert found is not None
    assert (found.executable, found.offset) == (True, 0x1000)
    assert maps.at(0x401000) is None
    after = maps.after(0x8000)
    assert after is not None
    assert after.start == 0x400000


def test_recorded_memory_is_exactly_what_was_read() -> None:
    source = RangeMemory([(0x1000, bytes(range(256)) * 32)])
    recording = RecordingMemory(source, 1000)
    recording.read(0x1010, 8)
    recording.read(0x1018, 8)
    recording.read(0x1021, 3)
    recording.read(0x1FFE, 6)
    assert recording.word(0x9000) is None
    assert [(start, len(data)) for start, data in recording.ranges()] == [(0x1010, 16), (0x1021, 3), (0x1FFE, 6)]
    assert all(source.read(start, len(data)) == data for start, data in recording.ranges())
    assert recording.read(0x1000, 2000) == b"", "beyond its limit"


def test_multipart_takes_any_bytes() -> None:
    content = bytes(range(256))
    body = multipart([Part("a", b"text"), Part("file", content, 'x"\r\n.bin')])
    boundary = body.content_type.partition("boundary=")[2].encode()
    assert body.data.count(boundary) == 3
    assert content in body.data
    assert b'filename="x%22%0D%0A.bin"' in body.data


def test_messages_carry_descriptors_and_their_sender() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull) as file:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _wire.send(ours, {"op": "x"}, (file.fileno(),))
        received = _wire.receive(theirs)
        assert (received.fields, received.pid, len(received.fds)) == ({"op": "x"}, os.getpid(), 1)
        _wire.close_all(received.fds)
        ours.send(b"[1]")
        with pytest.raises(ValueError):
            _wire.receive(theirs)
        with pytest.raises(ValueError, match="MAX_MESSAGE_BYTES"):
            _wire.send(ours, {"long": "x" * 200_000})
        ours.close()
        with pytest.raises(_wire.ClosedError):
            _wire.receive(theirs)


def test_a_channel_takes_one_piece_and_blocks_the_next() -> None:
    channel = open_channel()
    try:
        assert channel.write_fd >= 512
        assert not has_text(channel.read_end, channel.fillers)
        writer = socket.socket(fileno=os.dup(channel.write_fd))
        with writer:
            assert writer.send(b"Fatal ", socket.MSG_DONTWAIT) == 6
            with pytest.raises(BlockingIOError):
                writer.send(b"Python", socket.MSG_DONTWAIT)
            assert has_text(channel.read_end, channel.fillers)
            reader = TextReader(channel.read_end)
            assert reader.peek() == b"Fatal "
            assert reader.pid == os.getpid()
            with pytest.raises(BlockingIOError):
                writer.send(b"Python", socket.MSG_DONTWAIT)
            assert reader.read_all()
            assert reader.text == b"Fatal "
            writer.send(b"Python", socket.MSG_DONTWAIT)
            assert reader.peek() == b"Python"
            channel.read_end.close()
            with pytest.raises(ConnectionError):
                os.write(channel.write_fd, b"x")
    finally:
        os.close(channel.write_fd)
        channel.read_end.close()


def test_an_empty_piece_is_not_the_end() -> None:
    channel = open_channel()
    reader = TextReader(channel.read_end)
    reader.read_all()
    for piece in (b"a", b"", b"b"):
        with socket.socket(fileno=os.dup(channel.write_fd)) as writer:
            writer.send(piece)
    assert reader.peek() == b"ab"
    reader.read_all()
    assert (reader.text, reader.ended) == (b"ab", False)
    os.close(channel.write_fd)
    reader.read_all()
    assert reader.ended
    channel.read_end.close()


class Zeroes(Memory):
    def read(self, address: int, size: int) -> bytes:
        return bytes(size)


def described(minor: int, free_threaded: int = 0) -> bytes:
    count = sum(len(fields.split()) for fields in SELF_DESCRIBED[minor].values())
    head = COOKIE + struct.pack("<QQ", 0x03000000 | minor << 16 | 0xF0, free_threaded)
    return head + struct.pack(f"<{count}Q", *range(8, 8 * count + 8, 8))


@pytest.mark.parametrize("minor", [13, 14, 15])
def test_layouts_that_cpython_describes(minor: int) -> None:
    memory = RangeMemory([(0x1000, described(minor))])
    layout = layout_of(memory, 0x1000, (3, minor))
    assert layout is not None
    assert layout.interpreters == 24
    assert layout.tagged_code == (minor >= 14)
    names = [f"{group}.{field}" for group, fields in SELF_DESCRIBED[minor].items() for field in fields.split()]
    assert layout.str_length == 8 * (names.index("unicode.length") + 1)
    assert layout_of(memory, 0x1000, (3, 28 - minor)) is None or minor == 14


def test_layouts_that_are_not_known_are_skipped() -> None:
    assert layout_of(Zeroes(), 0x1000, (3, 13)) is None
    assert layout_of(Zeroes(), 0x1000, (3, 16)) is None
    assert layout_of(Zeroes(), 0x1000, (4, 0)) is None
    assert layout_of(Zeroes(), 0x1000, (3, 8)) is not None


def test_notes() -> None:
    note = struct.pack("<III", 4, 3, 3) + b"GNU\0" + b"\1\2\3\0"
    other = struct.pack("<III", 4, 4, 1) + b"GNU\0" + b"abcd"
    assert find_note(other + note, b"GNU\0", 3) == b"\1\2\3"
    for size in range(len(note)):
        assert find_note(note[:size], b"GNU\0", 3) in (b"", b"\1\2\3")
    assert gnu_hash(b"printf") == 0x156B2BB8


def test_an_elf_file_cut_or_changed_anywhere_is_read_or_is_none() -> None:
    path = next(path for path in (sys.executable, "/bin/sh") if Path(path).read_bytes()[:4] == b"\x7fELF")
    data = Path(path).read_bytes()
    whole = read_elf_file(data)
    assert whole is not None
    assert whole.has_code
    for size in [*range(0, 4096, 13), *range(4096, len(data), len(data) // 50)]:
        read_elf_file(data[:size])
        read_image(FileImage(data[:size]), 0)
    table = int.from_bytes(data[40:48], "little")
    for at in [*range(64), *range(table, len(data), 3)]:
        changed = bytearray(data)
        changed[at] ^= 0xFF
        read_elf_file(bytes(changed))
    for at in range(0, 1024, 3):
        changed = bytearray(data[:65536])
        changed[at] ^= 0xFF
        image = read_image(FileImage(bytes(changed)), 0)
        if image is not None:
            build_id(FileImage(bytes(changed)), image)
            find_symbol(FileImage(bytes(changed)), image, b"_PyRuntime")


def test_a_stream_that_fails_costs_only_itself() -> None:
    def fail(_: MinidumpWriter) -> bytes:
        raise KeyError("gone")

    writer = MinidumpWriter(4)
    writer.stream(1, lambda _: b"one")
    writer.stream(2, fail)
    writer.stream(3, lambda _: None)
    writer.stream(4, lambda w: w.put(b"referred").rva.to_bytes(4, "little"))
    data = writer.finish(5)
    assert struct.unpack_from("<IIII", data) == (0x504D444D, 0xA793, 2, 32)
    assert [struct.unpack_from("<I", data, 32 + 12 * row)[0] for row in range(2)] == [1, 4]
    assert writer.errors == ["stream 0x2: KeyError: 'gone'"]


def test_signals() -> None:
    assert signal_name(11) == "SIGSEGV"
    assert signal_name(63) == "signal 63"
    assert signal_printed_in(b"Fatal Python error: Floating-point exception") == 8
    assert signal_printed_in(b"Fatal Python error: Floating point exception") == 8
    assert signal_printed_in(b"Fatal Python error: ") is None


def test_sources_are_compiled_as_pep_552_says(tmp_path: Path) -> None:
    assert compiled_name("app/jobs.py").startswith("app/__pycache__/jobs.")
    compiled = compile_source(b"def f():\n    return 1\n", "app/jobs.py")
    assert compiled is not None
    path = tmp_path / "jobs.pyc"
    path.write_bytes(compiled)
    import importlib.util

    spec = importlib.util.spec_from_file_location("jobs", str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    assert module.f() == 1
    assert module.f.__code__.co_filename == "app/jobs.py"
    assert compile_source(b"print 'two'", "old.py") is None
    script = "import sys; from faultline._compiled import compile_source as c; print(hash(c(open(sys.argv[1],'rb').read(), 'x')))"
    again = [
        subprocess.run(
            [sys.executable, "-c", script, __file__],
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(SOURCE), **extra},
            capture_output=True,
            check=True,
        ).stdout
        for extra in ({}, {"PYTHONDEVMODE": "1"})
    ]
    assert again[0] == again[1], "the same bytes each time"
