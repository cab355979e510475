/** What other crashes know of a fleet's code, and of one that does not know it itself. */
import { describe, expect, test } from "vitest";
import { call, charge, count, groupsOf, make, python, run, store, times } from "./joined.ts";
import { app, at, crash, type FrameFields, hang, installed, native } from "./stacks.ts";

const refund = app("billing/refund.py", "refund");
const resize = native("cv2.abi3.so", "cv::resize(int)");

describe("a package that an archive keeps beside the program's own modules", () => {
  const [known, archived] = [installed, at].map((from) => from("PIL/Image.py", "save"));
  const usual = [known!, make, store];
  const other = [known!, charge];

  test("is no part of the program", () => {
    const groups = groupsOf(...times(3, usual), ...times(3, other), [archived!, make, store]);
    expect(groups.at(-1)).toBe(groups[0]);
    expect(groups[3]).not.toBe(groups[0]);
  });

  test("is one where most crashes see it in the program", () => {
    const [group, bare] = groupsOf(...times(4, [archived!, make, store]), usual).slice(-2);
    expect(group).not.toBe(bare);
  });
});

describe("code without names", () => {
  const placed = (frame: FrameFields, offset: string): FrameFields => ({ ...frame, offset });
  const nameless = (offset: string): FrameFields => placed({ ...resize, function: null }, offset);

  test("has the name that other captures know of its place in the same build", () => {
    const dies = [placed(resize, "0x1a3e"), ...call, make, store];
    const other = [placed(native("cv2.abi3.so", "cv::flip(int)"), "0x9000"), ...call, charge];
    const stacks = [dies, [nameless("0x1a42")], [nameless("0x1b42")], other];
    const [group, near, far] = groupsOf(...stacks);
    expect(near).toBe(group);
    expect(far).not.toBe(group);
  });

  test("that lies in one place is one bug, whoever called it", () => {
    const below = (offset: string, ...callers: FrameFields[]) => [
      nameless(offset),
      ...call,
      ...callers,
    ];
    expect(count(groupsOf(below("0x77f", make, store), below("0x781", charge)))).toBe(1);
    expect(count(groupsOf(below("0x77f", make, store), below("0x7d1", charge)))).toBe(2);
  });
});

test("what does as it is told is no culprit where the mechanism's names are lost", () => {
  const binder = [native("libffi.so.8", "ffi_call"), native("_ctypes.so", "_ctypes_callproc")];
  const told = [native("libacme_pay.so.2", "pay_result"), ...binder, ...call, make, store];
  const lost = [native("AcmePay.dll", "pay_result"), ...call];
  const groups = groupsOf(...times(5, told), [...lost, charge], [...lost, refund], [...lost, make]);
  expect(count(groups.slice(-3))).toBe(3);
  expect(groups.at(-1)).toBe(groups[0]);
  expect(count(groupsOf([...lost, charge], [...lost, refund]))).toBe(1);
});

describe("a library that gives up in several of its functions", () => {
  const end = [native("libc.so.6", "raise"), native("libc.so.6", "abort")];
  const within = (check: string, through: string, ...callers: FrameFields[]) =>
    crash([...end, native("tls.so", check), native("tls.so", through), ...call, ...callers], {
      reason: "SIGABRT",
    });
  const bugs = (...throughs: readonly [string, string]) =>
    run([
      within("check_key", throughs[0], make, store),
      within("check_peer", throughs[1], make, store),
      within("check_key", throughs[0], charge),
      within("check_peer", throughs[1], charge),
    ]).groups;

  test("has one bug where one function leads to them, from the same callers", () => {
    expect(count(bugs("handshake", "handshake"))).toBe(1);
  });

  test("has several where nothing leads to both", () => {
    expect(count(bugs("handshake", "renegotiate"))).toBe(2);
  });
});

test("what the collector met in a function's objects stands for what it met below that function", () => {
  const collector = [native(python, "visit_decref"), native(python, "gc_collect_main"), ...call];
  const own = [native("shop.so", "node_traverse"), ...collector, make, store];
  const groups = groupsOf([...collector, make, store], [...collector, charge], ...times(3, own));
  expect(groups[0]).toBe(groups.at(-1));
  expect(groups[1]).not.toBe(groups.at(-1));
});

test("an object that met the damaged heap again and again joins the functions below which it did", () => {
  const noticed = [native("libc.so.6", "malloc_printerr"), native("libc.so.6", "_int_free")];
  const below = (...stack: FrameFields[]) => crash([...noticed, ...stack], { reason: "SIGABRT" });
  const met = native("rules.so", "lookup");
  const tuple = native(python, "tupledealloc");
  const { groups } = run(
    [make, charge].flatMap((caller) => [
      ...times(3, below(met, ...call, caller)),
      ...times(4, below(tuple, ...call, caller)),
    ]),
  );
  expect(count(groups)).toBe(1);
});

test("a text hangs where dumps saw that it waits", () => {
  const dumps = times(7, hang([native("libc.so.6", "poll"), ...call, make, store]));
  const texts = times(3, hang([make, charge]));
  expect(count(run([...dumps, ...texts]).groups)).toBe(1);
  const loops = times(7, hang([native(python, "long_add"), ...call, make, store]));
  expect(count(run([...loops, ...texts]).groups)).toBe(1);
});

test("two deaths below one function that different packages led to are two bugs", () => {
  const usual = [resize, ...call, installed("cv2/api.py", "resize"), make, store];
  const rare = [native("blas.so", "dgemm"), ...call, installed("numpy/linalg.py", "dot"), make];
  const groups = groupsOf(...times(8, usual), rare);
  expect(count(groups)).toBe(2);
});

test("a dump that died in what the interpreter does for all goes where others died in the same", () => {
  const died = [native(python, "method_vectorcall"), ...call.slice(1)];
  expect(count(groupsOf([...died, make, store], died))).toBe(1);
});

test("a function that mostly the interpreter dies below has the same bug in what foreign code asks of it", () => {
  const dies = [native(python, "listiter_next"), ...call, make, store];
  const asks = [
    native(python, "list_dealloc"),
    native("shop.so", "load_rows"),
    ...call,
    make,
    store,
  ];
  const other = [native("shop.so", "load_rows"), ...call, make, store];
  expect(count(groupsOf(...times(4, dies), asks))).toBe(1);
  expect(count(groupsOf(...times(4, dies), other))).toBe(2);
  expect(count(groupsOf(...times(3, dies), asks))).toBe(2);
});
