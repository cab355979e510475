import { expect, test } from "vitest";
import { currentGrouping, groupings, groupReport } from "../../src/grouping/index.ts";
import { MAX_GROUPED_FRAMES, MAX_TITLE_CHARS } from "../../src/grouping/limits.ts";
import {
  app,
  at,
  crash,
  type Death,
  type FrameFields,
  hang,
  installed,
  mainBase,
  native,
  stdlib,
  threadBase,
} from "./stacks.ts";

const make = app("media/thumbs.py", "make_thumb");
const store = app("media/upload.py", "store");
const view = app("api/views.py", "upload");
const importing: readonly FrameFields[] = [
  at("<frozen importlib._bootstrap>", "_call_with_frames_removed"),
  at("<frozen importlib._bootstrap_external>", "exec_module"),
];

const grouped = (stack: readonly FrameFields[], death?: Death) => groupReport(crash(stack, death));
/** Tokens of the frames that are part of a key. */
const tokensIn = (
  level: "coarse" | "mid" | "fine" | "link",
  ...given: Parameters<typeof grouped>
) =>
  grouped(...given)
    .frames.filter(({ usedIn }) => usedIn.includes(level))
    .map(({ token }) => token);

test("the program's two innermost functions name the group, the innermost the coarse one", () => {
  const stack = [make, store, view, installed("flask/app.py", "dispatch_request"), ...mainBase];
  const grouping = grouped(stack);
  expect(grouping).toMatchObject({
    ruleset: "cg1",
    mode: "python",
    confidence: "high",
    title: "Segfault in media.thumbs:make_thumb",
    culprit: "media.thumbs:make_thumb",
  });
  expect(grouping.group).toBe(grouping.mid);
  expect(tokensIn("coarse", stack)).toEqual(["media.thumbs:make_thumb"]);
  expect(tokensIn("mid", stack)).toEqual(["media.thumbs:make_thumb", "media.upload:store"]);
  expect(tokensIn("link", stack)).toEqual(tokensIn("mid", stack));
  expect(tokensIn("fine", stack)).toEqual([
    "media.thumbs:make_thumb",
    "media.upload:store",
    "api.views:upload",
    "flask.app:dispatch_request",
  ]);
});

test("keys are 128 bits of hex, and each is part of the next", () => {
  const first = grouped([make, store, view]);
  for (const key of [first.coarse, first.mid, first.fine, first.link]) {
    expect(key).toMatch(/^[0-9a-f]{32}$/);
  }
  const otherCaller = grouped([make, view]);
  expect([otherCaller.coarse === first.coarse, otherCaller.mid === first.mid]).toEqual([
    true,
    false,
  ]);
  const otherKind = grouped([make, store, view], { reason: "SIGFPE" });
  expect([otherKind.coarse, otherKind.mid, otherKind.fine, otherKind.link]).not.toEqual(
    expect.arrayContaining([first.coarse, first.mid, first.fine, first.link]),
  );
});

test("a helper's name at the top makes the key one deeper, elsewhere it is passed over", () => {
  const init = app("media/image.py", "__init__");
  expect(tokensIn("mid", [init, make, store, view])).toEqual([
    "media.image:__init__",
    "media.thumbs:make_thumb",
    "media.upload:store",
  ]);
  expect(tokensIn("coarse", [init, make, store])).toEqual(["media.thumbs:make_thumb"]);
  expect(tokensIn("mid", [make, init, store])).toEqual([
    "media.thumbs:make_thumb",
    "media.upload:store",
  ]);
  expect(tokensIn("mid", [init])).toEqual(["media.image:__init__"]);
  expect([grouped([init]), grouped([init, make])].map(({ confidence }) => confidence)).toEqual([
    "low",
    "high",
  ]);
});

test("decorators are looked through, wherever they stand", () => {
  const bare = grouped([make, store, view]).mid;
  const wrapper = app("core/retry.py", "wrapper");
  for (const stack of [
    [make, wrapper, store, view],
    [wrapper, make, store, view],
    [make, app("core/db.py", "run_in_transaction"), wrapper, store],
    [app("media/thumbs.py", "<lambda>"), make, store],
    [app("media/thumbs.py", "<genexpr>"), make, store],
    [make, installed("tenacity/__init__.py", "call"), store],
  ]) {
    expect(grouped(stack).mid).toBe(bare);
  }
  expect(grouped([wrapper]).mode).toBe("python");
});

test("a package that was called counts where the program has too few frames of its own", () => {
  const parse = installed("yaml/parser.py", "parse_node");
  const load = installed("yaml/__init__.py", "load");
  expect(tokensIn("mid", [parse, load, view, ...mainBase])).toEqual([
    "yaml.parser:parse_node",
    "api.views:upload",
  ]);
  expect(tokensIn("mid", [parse, load, make, store])).toEqual([
    "media.thumbs:make_thumb",
    "media.upload:store",
  ]);
  expect(tokensIn("fine", [parse, load, make, store])).toContain("yaml.parser:parse_node");
});

test("without code of the program, packages name the group, with low confidence", () => {
  const stack = [
    installed("yaml/parser.py", "parse_node"),
    installed("yaml/__init__.py", "load"),
    ...threadBase,
  ];
  expect(grouped(stack)).toMatchObject({ mode: "python", confidence: "low" });
  expect(tokensIn("mid", stack)).toEqual(["yaml.parser:parse_node", "yaml:load"]);
  expect(tokensIn("mid", [stdlib("json/decoder.py", "raw_decode"), ...threadBase])).toEqual([
    "json.decoder:raw_decode",
  ]);
});

test("what a report says of inApp wins over the path", () => {
  const vendored = { ...installed("shop/core.py", "charge"), inApp: true };
  expect(tokensIn("mid", [vendored, make, store])).toEqual([
    "shop.core:charge",
    "media.thumbs:make_thumb",
  ]);
  const foreign = { ...app("vendor/six.py", "ensure"), inApp: false };
  expect(tokensIn("mid", [foreign, make, store])).toEqual([
    "media.thumbs:make_thumb",
    "media.upload:store",
  ]);
});

test("the module whose import was running names the group alone", () => {
  const body = installed("cv2/__init__.py", "<module>");
  const stack = [body, ...importing, make, store, ...mainBase];
  expect(tokensIn("mid", stack)).toEqual(["cv2:<module>"]);
  expect(grouped(stack).mid).toBe(grouped([body, ...importing, view, ...mainBase]).mid);
  const load = [stdlib("ctypes/__init__.py", "__init__"), ...stack];
  expect(grouped(load).mid).toBe(grouped(stack).mid);
  expect(tokensIn("mid", [make, body, ...importing, ...mainBase])).toContain(
    "media.thumbs:make_thumb",
  );
});

test("a finalizer's callers are chance", () => {
  const close = app("media/file.py", "close");
  const del = app("media/file.py", "__del__");
  const one = grouped([close, del, make, store]);
  expect(one.mid).toBe(grouped([close, del, view, ...mainBase]).mid);
  expect(one.frames.map(({ role }) => role)).toEqual(["app", "app", "incidental", "incidental"]);
  expect(one.culprit).toBe("media.file:close");
});

test("a crash inside the garbage collector is grouped apart from crashes where it showed", () => {
  const one = grouped([make, store], { garbageCollecting: true });
  const other = grouped([view, ...threadBase], { garbageCollecting: true });
  expect(one).toMatchObject({
    mode: "victim",
    confidence: "low",
    culprit: null,
    title: "Segfault during garbage collection",
  });
  expect(one.coarse).toBe(other.coarse);
  expect(one.mid).not.toBe(other.mid);
  expect(one.coarse).not.toBe(grouped([make, store]).coarse);
  expect(one.link).toBe(grouped([make, store]).link);
  const finalizing = grouped([app("media/file.py", "__del__"), make], { garbageCollecting: true });
  expect(finalizing).toMatchObject({ mode: "python", culprit: "media.file:__del__" });
  expect(
    groupReport({ ...hang([make]), threads: [{ stack: [make], garbageCollecting: true }] }).mode,
  ).toBe("python");
});

test("heap corruption is filed under the frame where it was noticed, with low confidence", () => {
  const death = { reason: "SIGABRT", message: "free(): invalid pointer" };
  const one = grouped([make, store], death);
  expect(one).toMatchObject({ mode: "victim", confidence: "low" });
  expect(one.mid).toBe(
    grouped([make, view], { ...death, message: "double free or corruption (out)" }).mid,
  );
  expect(one.link).toBe(grouped([make, store], { reason: "SIGABRT" }).link);
});

test("endless recursion is one group at any depth, point of the cycle and leaf", () => {
  const visit = app("shop/tree.py", "visit");
  const walk = app("shop/tree.py", "walk");
  const turns = (count: number) => Array.from({ length: count }, () => [visit, walk]).flat();
  const one = grouped([...turns(30), view, ...mainBase]);
  expect(one).toMatchObject({
    mode: "overflow",
    confidence: "high",
    title: "Stack overflow in shop.tree:visit",
  });
  for (const stack of [
    [walk, ...turns(8), view],
    [stdlib("copy.py", "deepcopy"), make, ...turns(50)],
    [...turns(6)],
  ]) {
    expect(grouped(stack).mid).toBe(one.mid);
    expect(grouped(stack, { reason: "SIGBUS", classification: "stack-overflow" }).mid).toBe(
      one.mid,
    );
  }
  expect(grouped(turns(6), { kind: "exception", reason: "RecursionError" }).mid).toBe(one.mid);
});

test("recursion that is not endless counts once", () => {
  const visit = app("shop/tree.py", "visit");
  const one = grouped([make, visit, visit, visit, store]);
  expect(one.mid).toBe(grouped([make, visit, visit, visit, visit, visit, store]).mid);
  expect(one.frames[3]?.reason).toMatch(/recursion counts once/);
  const deep = Array.from({ length: 20 }, () => visit);
  expect(groupReport(hang([make, ...deep, store])).mode).toBe("python");
  expect(grouped([make, ...deep, store], { kind: "exception", reason: "ValueError" }).mode).toBe(
    "python",
  );
});

test("one lock, waited for in many ways, is one hang", () => {
  const ways: readonly (readonly FrameFields[])[] = [
    [],
    [stdlib("threading.py", "acquire")],
    [stdlib("threading.py", "__enter__")],
    [stdlib("threading.py", "wait"), stdlib("threading.py", "wait_for")],
    [stdlib("threading.py", "wait"), stdlib("queue.py", "get")],
    [stdlib("threading.py", "_wait_for_tstate_lock"), stdlib("threading.py", "join")],
    [stdlib("threading.py", "wait"), stdlib("concurrent/futures/_base.py", "result")],
    [
      stdlib("selectors.py", "select"),
      stdlib("subprocess.py", "_communicate"),
      stdlib("subprocess.py", "run"),
    ],
    [stdlib("socket.py", "readinto"), stdlib("http/client.py", "_read_status")],
    [stdlib("ssl.py", "read"), stdlib("ssl.py", "recv_into"), stdlib("socket.py", "readinto")],
    [stdlib("multiprocessing/connection.py", "_recv"), stdlib("multiprocessing/queues.py", "get")],
    [stdlib("logging/__init__.py", "acquire"), stdlib("logging/__init__.py", "info")],
    [stdlib("asyncio/base_events.py", "run_until_complete"), stdlib("asyncio/runners.py", "run")],
    [stdlib("contextlib.py", "__enter__")],
    [installed("redis/connection.py", "read_response"), installed("redis/lock.py", "acquire")],
    [stdlib("selectors.py", "select"), installed("urllib3/connectionpool.py", "urlopen")],
  ];
  const keys = ways.map((way) => groupReport(hang([...way, make, store, view])).mid);
  expect(new Set(keys).size).toBe(1);
});

test("titles of hangs say where the wait is", () => {
  const wait = [
    stdlib("socket.py", "readinto"),
    stdlib("http/client.py", "_read_status"),
    make,
    store,
  ];
  expect(groupReport(hang(wait)).title).toBe(
    "Hang: media.thumbs:make_thumb waiting in socket.readinto",
  );
  expect(groupReport(hang([make, store])).title).toBe("Hang: media.thumbs:make_thumb");
  const busy = [stdlib("json/decoder.py", "raw_decode"), make, store];
  expect(groupReport(hang(busy)).title).toBe(
    "Hang: media.thumbs:make_thumb in json.decoder.raw_decode",
  );
});

test("titles of other deaths", () => {
  const title = (death: Death, stack: readonly FrameFields[] = [make, store]) =>
    grouped(stack, death).title;
  expect(title({ reason: "SIGBUS" })).toBe("Bus error in media.thumbs:make_thumb");
  expect(title({ reason: "SIGABRT" })).toBe("Abort in media.thumbs:make_thumb");
  expect(title({ kind: "windows-exception", reason: "EXCEPTION_ACCESS_VIOLATION" })).toBe(
    "Access violation in media.thumbs:make_thumb",
  );
  expect(title({ kind: "fatal", reason: null, message: "none_dealloc: deallocating None" })).toBe(
    "Fatal Python error: deallocating None in media.thumbs:make_thumb",
  );
  expect(title({ kind: "exception", reason: "builtins.KeyError" })).toBe(
    "KeyError in media.thumbs:make_thumb",
  );
  expect(title({}, [])).toBe("Segfault");
  expect(title({ kind: "dump", reason: null })).toBe("Snapshot in media.thumbs:make_thumb");
  expect(title({ kind: "fatal", reason: null, message: "long ".repeat(100) })).toHaveLength(
    MAX_TITLE_CHARS,
  );
});

test("a title shows the module as the report has it", () => {
  const frame = { ...app("shop/media/thumbs.py", "make"), module: "shop.media.thumbs" };
  expect(grouped([frame]).title).toBe("Segfault in shop.media.thumbs:make");
  expect(grouped([frame]).frames[0]?.token).toBe("media.thumbs:make");
});

test("a fatal error's message is part of the group, never of the coarse key or the link", () => {
  const fatal = (message: string) =>
    grouped([make, store], { kind: "fatal", reason: null, message });
  const one = fatal("deallocating None");
  const other = fatal("GC object already tracked");
  expect([one.coarse, one.link]).toEqual([other.coarse, other.link]);
  expect(one.mid).not.toBe(other.mid);
  expect(one.mid).toBe(fatal("none_dealloc: deallocating None").mid);
  expect(fatal("bad object at 0x7f30c0ffee").mid).toBe(fatal("bad object at 0x55d0deadbeef").mid);
  expect(one.coarse).toBe(grouped([make, store], { reason: "SIGABRT" }).coarse);
});

test("a thread of nothing but plumbing and waits is skipped", () => {
  const idle = [
    stdlib("threading.py", "wait"),
    stdlib("queue.py", "get"),
    stdlib("concurrent/futures/thread.py", "_worker"),
    ...threadBase,
  ];
  const one = grouped(idle);
  expect(one).toMatchObject({ mode: "skipped", confidence: "low" });
  expect(one.mid).toBe(grouped(idle.slice(1)).mid);
  expect(one.link).toMatch(/^[0-9a-f]{32}$/);
});

test("without a frame the message is all there is", () => {
  const one = grouped([], { reason: "SIGABRT", message: "free of 0x7f30c0ffee" });
  expect(one).toMatchObject({
    mode: "empty",
    confidence: "low",
    link: null,
    culprit: null,
    frames: [],
  });
  expect(one.mid).toBe(grouped([], { reason: "SIGABRT", message: "free of 0x55d0deadbeef" }).mid);
  expect(one.mid).not.toBe(grouped([], { reason: "SIGABRT", message: "out of file handles" }).mid);
  expect(grouped([app("a/b.py", "<listcomp>")]).mode).toBe("empty");
});

test("a thread without Python frames is told apart by its first foreign function", () => {
  const stack = [
    native("libc.so.6", "__restore_rt", "trampoline"),
    native("libc.so.6", "abort"),
    native("/opt/x/cv2.cpython-311-x86_64-linux-gnu.so", "resize.cold"),
    native("libpython3.11.so.1.0", "_PyEval_EvalFrameDefault", "interpreter"),
  ];
  const one = grouped(stack);
  expect(one).toMatchObject({
    mode: "native",
    confidence: "high",
    link: null,
    culprit: "cv2:resize",
  });
  expect(one.frames.map(({ role }) => role)).toEqual(["cut", "abort", "native", "eval"]);
  expect(one.mid).toBe(grouped([native("cv2.abi3.so", "resize")]).mid);
  const libc = { ...native("libc.so.6", ""), function: null };
  const runtime = grouped([libc, native("libc-2.31.so", "getenv@@GLIBC_2.34")]);
  expect(runtime).toMatchObject({ mode: "runtime", confidence: "low", culprit: "libc:getenv" });
  expect(grouped([libc])).toMatchObject({ mode: "empty", culprit: "libc" });
});

test.each([
  ["libpython3.11.so.1.0", "libpython"],
  ["/usr/bin/python3.12", "libpython"],
  ["C:\\Python39\\python39.dll", "libpython"],
  ["libopenblas64_p-r0-5007b62f.3.23.dev.so", "openblas64_p"],
  ["libgfortran-5007b62f.so.5.0.0", "gfortran"],
  ["algos.cp311-win_amd64.pyd", "algos"],
  ["libstdc++.so.6", "libstdc++"],
  ["KERNELBASE.dll", "kernelbase"],
])("%s is object %s", (module, object) => {
  expect(grouped([native(module, "f")]).culprit).toBe(`${object}:f`);
});

test("native frames of the system beside Python frames are explained and enter the fine key", () => {
  const c = native("libc.so.6", "memcpy");
  const both = grouped([c, make, store]);
  expect(both.mid).toBe(grouped([make, store]).mid);
  expect(both.fine).not.toBe(grouped([make, store]).fine);
  expect(both.frames[0]).toMatchObject({ index: 0, role: "helper", usedIn: ["fine"] });
});

test("frames that CPython pushes for itself are dropped", () => {
  const shim = at("__init__", "__init__", { role: "helper" });
  expect(grouped([make, shim, store]).fine).toBe(grouped([make, store]).fine);
  expect(grouped([make, shim, store]).frames[1]?.role).toBe("shim");
  expect(grouped([make, { ...store, function: null }]).frames[1]?.role).toBe("unnamed");
});

test("frames past the limit are explained, and no key depends on them", () => {
  const deep = Array.from({ length: MAX_GROUPED_FRAMES }, (_, index) =>
    app("shop/deep.py", `f${index}`),
  );
  const { frames, fine } = grouped([...deep, make]);
  expect(frames[MAX_GROUPED_FRAMES]).toMatchObject({
    index: MAX_GROUPED_FRAMES,
    role: "beyond",
    token: null,
  });
  expect(fine).toBe(grouped([...deep, store]).fine);
});

test("the thread to look at: the index, the mark, the main thread of a watchdog's dump", () => {
  const threads = [
    { stack: [view, ...threadBase] },
    { stack: [make, store], crashed: true },
    { stack: [store, ...mainBase] },
  ];
  const culprit = (fields: object) =>
    groupReport({ kind: "signal", reason: "SIGSEGV", threads, ...fields }).culprit;
  expect(culprit({ crashingThread: 0 })).toBe("api.views:upload");
  expect(culprit({})).toBe("media.thumbs:make_thumb");
  const unmarked = threads.map(({ stack }) => ({ stack }));
  expect(culprit({ threads: unmarked })).toBe("api.views:upload");
  expect(culprit({ threads: unmarked, crashingThread: null })).toBeNull();
  expect(culprit({ threads: unmarked, kind: "timeout", reason: null, crashingThread: null })).toBe(
    "media.upload:store",
  );
  expect(culprit({ crashingThread: 9 })).toBeNull();
});

test("algorithms are a list of distinct ids, and the last is in use", () => {
  expect(new Set(groupings.map(({ id }) => id)).size).toBe(groupings.length);
  expect(currentGrouping).toBe(groupings.at(-1));
});
