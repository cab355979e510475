/** What the native side of a crash tells of its bug, and what it does not. */
import { expect, test } from "vitest";
import { call, charge, count, groupsOf, make, python, run, store, times } from "./joined.ts";
import { app, at, crash, type Death, installed, native } from "./stacks.ts";

const decode = native("codec.so", "decode_block");
const entry = native("codec.so", "codec_decode");
const encode = native("codec.so", "encode_block");
const unnamed = { ...decode, function: null };

test("a walk that lost the innermost function is of the same bug, below the same Python function", () => {
  const whole = [decode, entry, ...call, make, store];
  expect(count(groupsOf(...times(3, whole), [entry, ...call, make, store]))).toBe(1);
  expect(count(groupsOf(...times(3, whole), [entry, ...call, charge]))).toBe(2);
});

test("two functions that one function calls are two bugs, and what lost them goes to the commoner", () => {
  const [one, other] = [
    [decode, entry, ...call, make, store],
    [encode, entry, ...call, make, store],
  ];
  const groups = groupsOf(...times(3, one), ...times(2, other), [entry, ...call, make, store]);
  expect(count(groups)).toBe(2);
  expect(groups.at(-1)).toBe(groups[0]);
});

test("two assertions of one function stay apart, though some captures heard neither", () => {
  const says = (expression: string): Death => ({
    reason: "SIGABRT",
    message: `python3: src/codec.c:12: decode_block: Assertion \`${expression}' failed.`,
  });
  const ending = [native("libc.so.6", "abort"), native("libc.so.6", "__assert_fail")];
  const stack = [...ending, decode, entry, ...call, make, store];
  const silent = crash(stack, { reason: "SIGABRT" });
  const { groups } = run([
    ...times(3, crash(stack, says("n > 0"))),
    ...times(2, crash(stack, says("end"))),
    ...times(4, silent),
  ]);
  expect(count(groups)).toBe(2);
  expect(groups.at(-1)).toBe(groups[0]);
});

test("one function with two callers of its own is two bugs, once both are known well", () => {
  const viaRead = [decode, native("codec.so", "read_frame"), ...call, make, store];
  const viaSeek = [decode, native("codec.so", "seek_frame"), ...call, charge];
  expect(count(groupsOf(...times(3, viaRead), ...times(2, viaSeek)))).toBe(1);
  expect(count(groupsOf(...times(4, viaRead), ...times(3, viaSeek)))).toBe(2);
  // a way that both share makes them one
  const both = [decode, native("codec.so", "read_frame"), ...call, charge];
  expect(count(groupsOf(...times(4, viaRead), ...times(3, viaSeek), both))).toBe(1);
});

test("a text goes where those went that called the same function of a package", () => {
  const called = (name: string) => ({
    ...app("", name),
    file: `/srv/venv/lib/python3.12/site-packages/codec/api.py`,
  });
  const read = [called("read"), make, store];
  const write = [called("write"), make, store];
  const groups = groupsOf(
    ...times(6, [decode, ...call, ...read]),
    ...times(3, [encode, ...call, ...write]),
    read,
    write,
    [make, store],
  );
  expect(groups.slice(-3)).toEqual([groups[0], groups[6], groups[0]]);
});

test("a thread that native code made does not go to crashes that Python code called", () => {
  const base = [native("libc.so.6", "start_thread"), native("libc.so.6", "clone3")];
  const [called, flush] = [[decode, ...call, make, store], native("codec.so", "flush_queue")];
  const alone = groupsOf(...times(5, called), [unnamed, ...base], [unnamed, ...call]);
  expect(alone.at(-1)).toBe(alone[0]);
  expect(alone.at(-2)).not.toBe(alone[0]);
  const known = groupsOf(...times(5, called), ...times(2, [flush, ...base]), [unnamed, ...base]);
  expect(known.at(-1)).toBe(known[5]);
  const [push, ctypes] = [
    native("libsdk.so", "sdk_push"),
    native("_ctypes.so", "_ctypes_callproc"),
  ];
  const told = times(5, [push, ctypes, ...call, make, store]);
  const named = groupsOf(...told, [push, ...base], [push, ctypes, ...call]);
  expect(named.at(-1)).toBe(named[0]);
  expect(named.at(-2)).not.toBe(named[0]);
});

test("a walk of native code's own thread that lost the innermost function is of the commonest bug below", () => {
  const loop = native("codec.so", "worker_loop");
  const started = [loop, native("libc.so.6", "start_thread")];
  const whole = times(3, [decode, entry, ...started]);
  expect(count(groupsOf(...whole, [entry, ...started], started))).toBe(1);
  expect(count(groupsOf(...whole, ...times(2, [entry, ...started])))).toBe(2);
  // What the process runs is no such thread: there every function may have a bug of its own.
  const main = [loop, native("libc.so.6", "__libc_start_main")];
  expect(count(groupsOf(...times(3, [decode, entry, ...main]), [entry, ...main]))).toBe(2);
});

test("a Python function through which many have foreign code called is a mechanism for them", () => {
  const ctypes = native("_ctypes.cpython-312-x86_64-linux-gnu.so", "_ctypes_callproc");
  const sdk = app("hw/sdk.py", "call_sdk");
  const jobs = ["a", "b", "c", "d", "e"].map((name) => app(`jobs/${name}.py`, `run_${name}`));
  const stacks = jobs.flatMap((job) => times(3, [ctypes, ...call, sdk, job]));
  expect(count(groupsOf(...stacks.slice(0, 12)))).toBe(1);
  expect(count(groupsOf(...stacks))).toBe(5);
});

test("a function with many callers is one place where it was seen to die in one object", () => {
  const jobs = ["a", "b", "c", "d", "e", "f"].map((name) => app(`jobs/${name}.py`, `run_${name}`));
  const texts = jobs.flatMap((job) => times(2, [make, job]));
  expect(count(groupsOf(...texts))).toBe(6);
  const dies = times(3, [decode, ...call, make, jobs[0]!]);
  expect(count(groupsOf(...texts, ...dies))).toBe(1);
});

test("a function that another handed its work to is the same place", () => {
  const handed = [app("media/thumbs.py", "_make_thumb_inner"), make, store];
  expect(count(groupsOf(...times(5, [make, store]), handed))).toBe(1);
});

test("a function of an extension that many callers reach is a bug of the extension", () => {
  const jobs = ["a", "b", "c", "d", "e"].map((name) => app(`jobs/${name}.py`, `run_${name}`));
  const reach = (object: string) =>
    jobs.flatMap((job) => times(3, [native(object, "acme_send"), ...call, job, store]));
  expect(count(groupsOf(...reach("libacme.so.7")))).toBe(5);
  expect(count(groupsOf(...reach("_acme.cpython-312-x86_64-linux-gnu.so")))).toBe(1);
});

test("an abort whose words nobody heard goes with the victims of a damaged heap that died in its place", () => {
  const noticed = [native("libc.so.6", "abort"), native("libc.so.6", "malloc_printerr")];
  const end: Death = { reason: "SIGABRT" };
  const victims = times(4, crash([...noticed, ...call, make, store], end));
  const { groups } = run([...victims, crash([make, store], end), crash([charge], end)]);
  expect(groups[4]).toBe(groups[0]);
  expect(groups[5]).not.toBe(groups[0]);
});

test("what the collector met below different functions stays apart: nothing says that it is one bug", () => {
  const collecting = [native(python, "visit_decref"), native(python, "gc_collect_main"), ...call];
  const own = [native("shop.so", "node_traverse"), ...collecting];
  const groups = groupsOf([...collecting, make, store], [...collecting, charge], collecting, [
    ...own,
    make,
    store,
  ]);
  expect(count(groups)).toBe(4);
});

test("what dies while its module is imported is no bug of later calls, once both are known well", () => {
  const first = native("_acme.cpython-312-x86_64-linux-gnu.so", "acme_setup");
  const frozen = at("<frozen importlib._bootstrap>", "_call_with_frames_removed");
  const importing = [
    first,
    ...call,
    installed("acme/__init__.py", "<module>"),
    frozen,
    make,
    store,
  ];
  const later = [first, ...call, make, store];
  const stacks = [...times(4, importing), ...times(6, later)];
  expect(count(groupsOf(...stacks))).toBe(2);
  expect(count(groupsOf(importing, later))).toBe(1);
});
