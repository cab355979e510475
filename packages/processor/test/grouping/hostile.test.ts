/** Whatever a line of JSON holds, it is grouped, and soon. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { attachAll, groupCrash, groupReport } from "../../src/grouping/index.ts";
import { app, at, crash, native } from "./stacks.ts";

const KEY = /^[0-9a-f]{32}$/;

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("abort", "_PyEval_EvalFrameDefault", "malloc_printerr", "libc.so.6", "a.so"),
  fc.constantFrom("<module>", "<frozen x>", "\u001f", "/", "\\", "C:", ".", "..", "lib", "__del__"),
  fc.string({ maxLength: 3 }).map((part) => part.repeat(2000)),
);
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
const frame = fc.oneof(
  value,
  fc.record(
    {
      language: fc.oneof(fc.constantFrom("python", "native"), value),
      module: value,
      function: value,
      qualname: value,
      file: value,
      inApp: value,
      role: value,
      pc: value,
      linkageName: value,
      offset: value,
      inline: value,
      foundBy: fc.oneof(fc.constantFrom("scan", "cfi", "inline"), value),
    },
    { requiredKeys: [] },
  ),
);
const thread = fc.oneof(
  value,
  fc.record({ stack: fc.oneof(fc.array(frame), value), crashed: value, garbageCollecting: value }),
);
const report = fc.record(
  {
    kind: fc.oneof(fc.constantFrom("signal", "timeout", "exception"), value),
    reason: value,
    message: value,
    classification: value,
    crashingThread: fc.oneof(fc.integer({ min: -1, max: 2 }), value),
    threads: fc.oneof(fc.array(thread, { maxLength: 3 }), value),
  },
  { requiredKeys: [] },
);

test("junk of any shape is grouped", () => {
  fc.assert(
    fc.property(report, (input) => {
      const grouping = groupReport(input);
      expect(grouping.mid).toMatch(KEY);
      expect(grouping.frames.every(({ reason }) => reason.length > 0)).toBe(true);
      expect(grouping.title.length).toBeLessThanOrEqual(200);
    }),
    { numRuns: 400 },
  );
});

test("the same report has the same keys", () => {
  fc.assert(
    fc.property(report, (input) => {
      expect(groupReport(input)).toEqual(groupReport(input));
    }),
  );
});

/** Milliseconds of the processor that every check below stays far under: what else it does meanwhile does not count. */
const SOON_MS = 2000;

function spent(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
const soon = (input: object): number => spent(() => groupReport(input));

test("a hundred thousand frames take no longer than reading them", () => {
  const different = Array.from({ length: 100_000 }, (_, index) => app("a/b.py", `f${index}`));
  const same = different.map(() => app("a/b.py", "f"));
  const natives = different.map((_, index) => native(`lib${index}.so`, `ns::C<${index}>::f(int)`));
  expect(soon(crash(different))).toBeLessThan(SOON_MS);
  expect(soon(crash(same))).toBeLessThan(SOON_MS);
  expect(soon(crash(natives))).toBeLessThan(SOON_MS);
  expect(soon(crash(natives.map(() => native("a.so", "f"))))).toBeLessThan(SOON_MS);
});

test("crashes that share everything or nothing are joined as soon", () => {
  const one = groupCrash(crash([native("a.so", "f"), app("a/b.py", "g"), app("a/b.py", "h")]));
  const same = Array.from({ length: 5000 }, () => ({ ...one, times: 1 }));
  const apart = Array.from({ length: 2000 }, (_, index) =>
    crash([native("a.so", `f${index}`), app("a/b.py", "g"), app(`a/c${index}.py`, "h")]),
  );
  const different = apart.map((input) => ({ ...groupCrash(input), times: 1 }));
  expect(spent(() => [attachAll(same), attachAll(different)])).toBeLessThan(SOON_MS);
});

test("many crashes of one place, each of something else, are joined as soon", () => {
  const g = app("a/b.py", "g");
  const many = (stackOf: (index: number) => Parameters<typeof crash>[0]) =>
    Array.from({ length: 5000 }, (_, index) => ({
      ...groupCrash(crash(stackOf(index))),
      times: 1,
    }));
  const chain = (index: number) => [native("a.so", "f"), native("a.so", `way${index >> 1}`)];
  const runs = [
    many((index) => [native("a.so", `f${index}`), g]),
    many((index) => [native(`lib${index}.so`, "f"), native("a.so", `way${index}`), g]),
    many((index) => [{ ...native(`lib${index}.so`, "f"), function: null }, g]),
    many((index) => [...chain(index), app(`a/c${(index + 1) >> 1}.py`, "h")]),
    many((index) => [native("a.so", "f"), native("a.so", `way${index}`)]),
    many((index) => [app(`a/c${index}.py`, "h"), g]),
  ];
  for (const seen of [...runs, runs.flat()]) {
    expect(spent(() => attachAll(seen))).toBeLessThan(SOON_MS);
  }
});

test.each([
  "'",
  "`'",
  "/a",
  "C:\\a\\",
  "0x",
  "a-",
  "1.",
  "Assertion ",
  "a_",
  "a1",
  "<",
  "_wrapper",
  "(",
  "f: ",
  "operator<",
  "<as ",
  "{lambda(",
  "__pyx_pw_9",
  "_ZN9",
  "$LT$",
  "a.c:1: ",
  "x INTERNAL ASSERT FAILED at ",
])("a long run of %j takes no longer than reading it", (part) => {
  const long = part.repeat(200_000);
  const longest = { ...app(long, long), module: long };
  const stack = [
    longest,
    app("a.py", long),
    at(`<${long}>`, "f"),
    at(`<${part.repeat(500)}>`, "f"),
    native(long, long),
    native("a.so", part.repeat(300)),
  ];
  const deep = Array.from({ length: 128 }, () => stack).flat();
  const message = `Assertion failed: ${long}`;
  expect(soon(crash(deep, { reason: long, message, kind: "fatal" }))).toBeLessThan(SOON_MS);
  expect(soon(crash(deep, { reason: "SIGABRT", message: long }))).toBeLessThan(SOON_MS);
});
