/** Which captures find each other, and which must not. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { attachAll, groupCrash } from "../../src/grouping/index.ts";
import { call, charge, count, groupsOf, make, python, run, store, times } from "./joined.ts";
import { app, crash, type Death, type FrameFields, hang, installed, native } from "./stacks.ts";

const refund = app("billing/refund.py", "refund");
const resize = native("cv2.abi3.so", "cv::resize(int)");
const flip = native("cv2.abi3.so", "cv::flip(int)");
const unnamed = { ...resize, function: null };

test("a text goes where the one capture went that has its Python functions and native ones", () => {
  const { groups, mids } = run([
    crash([make, store]),
    crash([resize, ...call, make, store]),
    crash([resize, ...call]),
  ]);
  expect(groups).toEqual([mids[1], mids[1], mids[1]]);
  expect(mids[0]).not.toBe(mids[1]);
});

test("a capture without names goes the same way, and alone it stays where it is", () => {
  const { groups, mids } = run([
    crash([unnamed, ...call, make, store]),
    crash([resize, ...call, make, store]),
  ]);
  expect(groups).toEqual([mids[1], mids[1]]);
  const alone = run([crash([unnamed, ...call, make, store])]);
  expect(alone.groups).toEqual(alone.mids);
});

test.each([
  ["objects", native("numpy.so", "dot")],
  ["functions of one object", flip],
])("two %s that die below one function keep their texts apart, until one prevails", (_, other) => {
  const few = [crash([resize, ...call, make, store]), crash([other, ...call, make, store])];
  const text = crash([make, store]);
  const split = run([...few, text]);
  expect(split.groups[2]).toBe(split.mids[2]);
  const many = run([...few, ...times(4, few[0]!), text]);
  expect(many.groups.at(-1)).toBe(many.mids[0]);
});

test("two deaths, two callers, two modules, two objects: nothing joins them", () => {
  const fetch = app("core/storage.py", "fetch");
  expect(count(groupsOf([fetch, make], [fetch, charge]))).toBe(2);
  expect(count(groupsOf([resize, ...call, make], [flip, ...call, make]))).toBe(2);
  expect(count(groupsOf([resize, ...call], [native("b.so", "cv::resize"), ...call]))).toBe(2);
  const gets = ["billing/views.py", "media/views.py"].map((file) => app(file, "get"));
  expect(count(groupsOf([gets[0]!, make], [gets[1]!, make]))).toBe(2);
  const deaths = run([crash([make, store]), crash([make, store], { reason: "SIGFPE" })]);
  expect(count(deaths.groups)).toBe(2);
});

test("a wrapper that releases add, and a file that moves, find the way back once it is trodden", () => {
  const wrapped = [make, app("core/spans.py", "observe"), store];
  const moved = [app("imaging/thumbs.py", "make_thumb"), store];
  const added = [app("core/io.py", "emit"), make, store];
  for (const variant of [wrapped, moved, added]) {
    expect(count(groupsOf([make, store], variant))).toBe(2);
    expect(count(groupsOf(...times(6, [make, store]), variant))).toBe(1);
  }
});

test("a helper is told by its many callers, whatever its name", () => {
  const post = app("core/http.py", "emit");
  const callers = ["a", "b", "c", "d", "e", "f"].map((name) =>
    app(`jobs/${name}.py`, `run_${name}`),
  );
  const stacks = callers.flatMap((caller) => times(6, [post, caller]));
  expect(count(groupsOf(...stacks))).toBe(6);
  // With few callers it is the bug's own function, reached on several ways.
  expect(count(groupsOf(...stacks.slice(0, 18)))).toBe(1);
});

test("many names of one object below one function are one function in builds with other exports", () => {
  const exports = ["acme_open", "acme_close", "acme_poll"].map((name) => native("acme.so", name));
  const both = (frame: FrameFields) => [frame, ...call, make, store];
  const stacks = [...times(6, both(native("acme.so", "handshake"))), ...exports.map(both)];
  expect(count(groupsOf(...stacks, [make, store]))).toBe(1);
});

test("a native function that many callers reach is a mechanism, and its callers are apart", () => {
  const send = native("acme.so", "acme_send");
  const callers = ["a", "b", "c", "d", "e"].map((name) => app(`jobs/${name}.py`, `run_${name}`));
  const stacks = callers.flatMap((caller) => times(3, [send, ...call, caller, store]));
  expect(count(groupsOf(...stacks.slice(0, 12)))).toBe(1);
  expect(count(groupsOf(...stacks))).toBe(5);
  const seen = stacks.map((stack) => ({ ...groupCrash(crash(stack)), times: 1 }));
  expect(count(attachAll(seen, { splits: false }))).toBe(1);
});

test("a dump of the interpreter goes where captures of both with its functions went", () => {
  const dying = [native(python, "list_dealloc"), native(python, "_Py_Dealloc")];
  const both = [...dying, ...call, make, store];
  expect(count(groupsOf(both, [...dying, ...call]))).toBe(1);
  expect(count(groupsOf(both, [...dying, ...call, charge, refund], [...dying, ...call]))).toBe(3);
});

test("a loop is one hang, whatever it was just doing", () => {
  const rebuild = app("search/index.py", "rebuild");
  const tasks = ["load_row", "score", "merge", "write"].map((name) =>
    app(`search/${name}.py`, name),
  );
  const samples = tasks.map((task) => hang([task, rebuild, app("jobs/nightly.py", "main_job")]));
  expect(count(run(samples).mids)).toBe(4);
  expect(count(run(samples).groups)).toBe(1);
  // A function that everything runs below says nothing.
  const dispatch = app("core/jobs.py", "dispatch");
  const others = Array.from({ length: 20 }, (_, index) =>
    crash([app("x/y.py", `f${index}`), dispatch]),
  );
  const apart = tasks.map((task) => hang([task, dispatch]));
  expect(count(run([...others, ...apart]).groups.slice(-4))).toBe(4);
});

test("an assertion's words join what else has nothing in common", () => {
  const words: Death = {
    reason: "SIGABRT",
    message: "python3: src/resize.cpp:12: resize: Assertion `n > 0' failed.",
  };
  const { groups } = run([crash([resize, ...call], words), crash([make, store], words)]);
  expect(count(groups)).toBe(1);
  const other = { ...words, message: "python3: src/flip.cpp:12: flip: Assertion `n > 0' failed." };
  expect(count(run([crash([resize, ...call], words), crash([make], other)]).groups)).toBe(2);
});

test("an endless recursion is one after one of its files moved", () => {
  const turns = (file: string) =>
    times(9, [app(file, "visit"), app("shop/tree.py", "walk")]).flat();
  expect(count(groupsOf(turns("shop/tree.py"), turns("shop/nodes.py")))).toBe(1);
});

test("a sighting that was seen several times weighs as much as that many", () => {
  const stacks = [
    [resize, ...call, make, store],
    [flip, ...call, make, store],
    [make, store],
    [unnamed, ...call, make, store],
    [make, app("core/spans.py", "observe"), store],
    [resize, ...call],
  ].map((stack) => groupCrash(crash(stack)));
  const counts = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(counts, fc.boolean(), (often, splits) => {
      const seen = stacks.map(({ sighting }, at) => ({ sighting, times: often[at] ?? 1 }));
      const apart = seen.flatMap(({ sighting, times: many }) =>
        times(many, { sighting, times: 1 }),
      );
      const keys = attachAll(seen, { splits });
      const repeated = keys.flatMap((key, at) => times(often[at] ?? 1, key));
      expect(attachAll(apart, { splits })).toEqual(repeated);
    }),
    { numRuns: 60 },
  );
});

test("what was stored as JSON joins as what was seen", () => {
  const inputs = [
    ...times(6, crash([resize, ...call, make, store])),
    crash([make, store]),
    hang([charge, refund]),
  ];
  const seen = inputs.map((input) => ({ ...groupCrash(input), times: 1 }));
  const stored = JSON.parse(JSON.stringify(seen)) as typeof seen;
  expect(attachAll(stored)).toEqual(attachAll(seen));
});

test("order does not matter, and every group is a key of some crash or of none twice", () => {
  const pool = [
    [make, store],
    [make, charge],
    [resize, ...call, make, store],
    [flip, ...call, make, store],
    [unnamed, ...call, make, store],
    [resize, ...call],
    [installed("cv2/api.py", "resize"), make],
    [native("cv2.abi3.so", "cv::dispatch()"), ...call, make, store],
    [resize, native("cv2.abi3.so", "cv::dispatch()"), ...call, charge],
    [app("imaging/thumbs.py", "make_thumb"), store],
    [app("media/thumbs.py", "_make_thumb"), charge],
    [native("numpy.so", "dot"), ...call, charge],
    [unnamed, native("libc.so.6", "clone")],
  ]
    .flatMap((stack) => [crash(stack), crash(stack, { reason: "SIGILL" })])
    .concat(
      crash([...call, make, store], { reason: "SIGABRT", message: "free(): invalid pointer" }),
    );
  const some = fc.array(fc.constantFrom(...pool.keys()), { maxLength: 60 });
  fc.assert(
    fc.property(some, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (indexes, order) => {
      const shuffled = indexes
        .map((_, at) => at)
        .toSorted((a, b) => order[a]! - order[b]! || a - b);
      const straight = run(indexes.map((index) => pool[index]!)).groups;
      const other = run(shuffled.map((at) => pool[indexes[at]!]!)).groups;
      expect(shuffled.map((at) => straight[at])).toEqual(other);
    }),
    { numRuns: 60 },
  );
});
