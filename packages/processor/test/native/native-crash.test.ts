import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Report } from "@faultline/shared";
import { stackAt, synthMinidump } from "@faultline/testkit";
import { APP, only, run, segfault, STACK } from "./dumps.ts";

const codes = (report: Report): string[] => report.gaps.map(({ code }) => code);
const pcs = (report: Report, thread: number): (string | null)[] =>
  report.threads[thread]!.stack.map((frame) => (frame.language === "native" ? frame.pc : null));

const ids = {
  reportId: "00112233-4455-6677-8899-aabbccddeeff",
  clientId: "ffeeddcc-bbaa-9988-7766-554433221100",
};

test("a dump alone: cause, process, registers, threads with their frames", () => {
  const report = only(segfault().finish());
  expect(report).toMatchObject({
    kind: "signal",
    reason: "SIGSEGV",
    code: "SEGV_MAPERR",
    address: "0x0",
    classification: "null-dereference",
    os: "linux",
    cpu: "amd64",
    process: { id: 4711, uptimeSeconds: 100 },
    crashingThread: 0,
  });
  expect(report.registers).toMatchObject({ rip: "0x401000", rsp: "0x7ffc00001000" });
  expect(report.threads[0]).toMatchObject({
    id: "4711",
    ident: "0x7f0000000740",
    name: "worker",
    crashed: true,
  });
  expect(pcs(report, 0)).toEqual(["0x401000", "0x402000"]);
  expect(report.threads[0]!.stack).toMatchObject([
    { module: "app", offset: "0x1000", foundBy: "registers" },
    { module: "app", offset: "0x2000", foundBy: "frame-pointer" },
  ]);
});

test("a module without symbols is told with its exact id", () => {
  const report = only(segfault().finish());
  expect(report.modules).toMatchObject([{ name: "app", buildId: "c0ffee00", symbols: "missing" }]);
  expect(report.gaps).toContainEqual({
    code: "no-symbols",
    detail: "app (build id c0ffee00): no symbols were uploaded.",
  });
});

test("a module is asked for once", () => {
  expect(run(segfault().finish()).asked).toEqual([["c0ffee00"]]);
});

test("a cache that cannot be opened costs its module alone", () => {
  const cache = new Uint8Array(10);
  const symbols = new Map([
    ["c0ffee00", { state: "found", cache, contentKey: "x", tried: [] } as const],
  ]);
  const report = only(segfault().finish(), { symbols });
  expect(report.modules).toMatchObject([{ symbols: "corrupt" }]);
  expect(codes(report)).toContain("symbols-corrupt");
  expect(pcs(report, 0)).toEqual(["0x401000", "0x402000"]);
});

test("the exception's own registers count, also of a thread that is not listed", () => {
  const dump = synthMinidump()
    .systemInfo({ cpu: "amd64", os: "linux" })
    .module({ base: APP, size: 0x1000, name: "/srv/app" })
    .exception({ threadId: 9, code: 6, flags: -6, registers: { rip: APP + 0x10n, rsp: STACK } });
  const report = only(dump.finish());
  expect(report.threads).toMatchObject([{ id: "9", crashed: true }]);
  expect(pcs(report, 0)).toEqual(["0x400010"]);
});

test("the thread that wrote the dump is of no interest", () => {
  const report = only(segfault().breakpadInfo(3, 4712, 4711).finish());
  expect(report.threads.map(({ id }) => id)).toEqual(["4711"]);
});

test("modules that lie in one another: the one that begins first holds the address", () => {
  const dump = segfault().module({ base: APP + 0x800n, size: 0x1000, name: "/srv/again" });
  expect(only(dump.finish()).threads[0]!.stack[0]).toMatchObject({ module: "app" });
});

test("what the program noted is kept", () => {
  const annotations = { ver: "1.2", stage: "import" };
  const dump = segfault().crashpadInfo({ ...ids, annotations });
  expect(only(dump.finish()).annotations).toMatchObject(annotations);
});

describe("a dump and the text of the same process", () => {
  const text = (
    ident: string,
    header = "Segmentation fault",
  ): string => `Fatal Python error: ${header}

Current thread ${ident} (most recent call first):
  File "/srv/app/jobs.py", line 7 in run
  File "/srv/app/main.py", line 3 in <module>
`;

  test("are one crash, its threads joined by pthread_self()", () => {
    const { reports } = run(segfault().finish(), { text: text("0x00007f0000000740") });
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ reason: "SIGSEGV", address: "0x0", crashingThread: 0 });
    const stack = reports[0]!.threads[0]!.stack;
    expect(
      stack.map((frame) => (frame.language === "python" ? frame.function : frame.offset)),
    ).toEqual(expect.arrayContaining(["0x1000", "0x2000", "run", "<module>"]));
  });

  test("a thread that only the text has is kept", () => {
    const report = only(segfault().finish(), { text: text("0x00007f0000009999") });
    expect(report.threads.map(({ id, ident }) => [id, ident])).toEqual([
      ["4711", "0x7f0000000740"],
      ["4712", null],
      [null, "0x7f0000009999"],
    ]);
  });

  test("a fatal error's words explain the abort", () => {
    const dump = segfault();
    const report = only(dump.finish(), {
      text: `Fatal Python error: take_gil: lost it\n\n${text("0x00007f0000000740").split("\n\n")[1]}`,
    });
    expect(report).toMatchObject({ kind: "fatal", classification: "fatal-python-error" });
    expect(report.reason).toBe("SIGSEGV");
  });

  test("of several crashes in the text the dump is of the one that blames its thread, which comes first", () => {
    const both = text("0x00007f0000000740") + text("0x00007f0000009999", "Aborted");
    const { reports } = run(segfault().finish(), { text: both });
    expect(reports.map(({ reason, process }) => [reason, process?.id ?? null])).toEqual([
      ["SIGSEGV", 4711],
      ["SIGABRT", null],
    ]);
  });

  test("a dump that is refused leaves the text, and a gap", () => {
    const report = only(new Uint8Array(100), { text: text("0x00007f0000000740") });
    expect(codes(report)).toContain("dump-refused");
    expect(report.threads[0]!.stack).toHaveLength(2);
  });
});

describe("hostile dumps", () => {
  const whole = segfault()
    .crashpadInfo({ ...ids, annotations: { a: "b" } })
    .breakpadInfo(3, 1, 4711)
    .finish();

  test("cut at any byte: a report, always", () => {
    for (let length = 0; length < whole.length; length += 7) {
      expect(run(whole.subarray(0, length)).reports, `cut at ${length}`).toHaveLength(1);
    }
  });

  test("bytes changed at random: a report, always", () => {
    const place = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = new Uint8Array(whole);
        for (const [at, value] of changes) bytes[at] = value;
        return run(bytes).reports.length === 1;
      }),
      { numRuns: 300 },
    );
  });

  test("a stack that fills its memory with frames ends at the report's limit, both ends kept", () => {
    const depth = 30_000;
    const stack = stackAt(STACK);
    for (let level = 1; level <= depth; level++) {
      const next = level === depth ? 0n : STACK + BigInt(level * 16);
      stack.u64(next, APP + 0x2000n);
    }
    const dump = synthMinidump()
      .systemInfo({ cpu: "amd64", os: "linux" })
      .module({ base: APP, size: 0x10_0000, name: "/srv/app" })
      .thread({ id: 1, registers: { rip: APP + 0x1000n, rsp: STACK, rbp: STACK }, stack });
    const [thread] = only(dump.finish()).threads;
    expect(thread!.stack).toHaveLength(10_000);
    expect(thread!.gaps.map(({ code }) => code)).toContain("frames-left-out");
  });

  test("more threads than are walked: the one that crashed is among those kept", () => {
    const dump = synthMinidump().systemInfo({ cpu: "amd64", os: "linux" });
    for (let id = 1; id <= 2_100; id++) dump.thread({ id, registers: { rip: APP, rsp: STACK } });
    dump.exception({ threadId: 2_050, code: 11, registers: { rip: APP, rsp: STACK } });
    const report = only(dump.finish());
    expect(report.threads).toHaveLength(2_000);
    expect(report.threads[report.crashingThread!]).toMatchObject({ id: "2050", crashed: true });
    expect(codes(report)).toContain("threads-cut");
  });
});
