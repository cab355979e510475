import { expect, test } from "vitest";
import type { CStack } from "@faultline/faulthandler";
import { crashesOf } from "../src/crashes.ts";
import { MAX_CRASHES_PER_TEXT } from "../src/limits.ts";
import { aDump, aFrame, aThread } from "./builders.ts";

const cStack: CStack = { frames: [], truncated: false, unavailable: null };
const threads = [aThread([aFrame("/srv/app/jobs.py", 1, "run")])];

test("each dump is a crash, in text order", () => {
  const crashes = crashesOf([aDump({ span: [0, 10] }), aDump({ kind: "timeout", span: [10, 30] })]);
  expect(crashes.map(({ dump, span }) => [dump.kind, span])).toEqual([
    ["signal", [0, 10]],
    ["timeout", [10, 30]],
  ]);
});

test("a second dump of a crash gives its C stack and signal, the first its words", () => {
  const fatal = aDump({
    kind: "fatal",
    message: "in new thread",
    func: "f",
    threads,
    span: [5, 50],
  });
  const aborted = aDump({
    message: "Aborted",
    threads,
    cStack,
    sameCrashAsPrevious: true,
    span: [50, 90],
    pythonVersionHint: "3.14+",
    extensionModules: { names: ["x"], total: 1 },
    gaps: [{ code: "torn-line", detail: "one" }],
  });
  const [crash, ...others] = crashesOf([fatal, aborted]);
  expect(others).toEqual([]);
  expect(crash).toMatchObject({
    dump: {
      kind: "fatal",
      message: "in new thread",
      func: "f",
      cStack,
      pythonVersionHint: "3.14+",
    },
    secondSignal: "Aborted",
    raised: null,
    span: [5, 90],
    gaps: [{ code: "torn-line" }],
  });
  expect(crash?.dump.extensionModules?.names).toEqual(["x"]);
});

test("a C stack alone ends the dump before it when that could have had one", () => {
  const alone = aDump({ kind: "cstack", message: null, cStack, span: [60, 90] });
  const torn = crashesOf([aDump({ threads, span: [0, 40] }), alone]);
  expect(torn.map(({ dump, span }) => [dump.kind, dump.cStack, span])).toEqual([
    ["signal", cStack, [0, 90]],
  ]);
  expect(torn[0]?.gaps).toEqual([
    { code: "c-stack-joined", detail: expect.stringContaining("byte 60 stands 20 bytes after") },
  ]);
  const onDemand = aDump({ kind: "dump", threads, span: [0, 60] });
  expect(crashesOf([onDemand, alone])).toHaveLength(1);
  expect(crashesOf([{ ...onDemand, span: [0, 40] }, alone])).toHaveLength(2);
  expect(crashesOf([aDump({ cStack, span: [0, 60] }), alone])).toHaveLength(2);
  expect(crashesOf([alone])).toHaveLength(1);
});

test("a pending exception is told; its traceback stands for threads that were not printed", () => {
  const line = aDump({ kind: "fatal", threads, exceptionText: "ValueError: left behind by C\n" });
  expect(crashesOf([line])[0]?.gaps).toEqual([
    {
      code: "pending-exception",
      detail: expect.stringContaining("ValueError: left behind by C. CPython printed no traceback"),
    },
  ]);
  const exceptionText = [
    "Traceback (most recent call last):",
    '  File "/srv/old.py", line 1, in chained',
    "KeyError: 1",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "/srv/app/main.py", line 9, in <module>',
    "    run()",
    '  File "/srv/app/jobs.py", line 3, in run\r',
    "    crash(",
    "    ~~~~~^",
    "ValueError: boom",
  ].join("\n");
  const [crash] = crashesOf([aDump({ kind: "fatal", exceptionText })]);
  expect(crash?.dump.threads).toMatchObject([
    {
      current: true,
      frames: [aFrame("/srv/app/jobs.py", 3, "run"), aFrame("/srv/app/main.py", 9, "<module>")],
    },
  ]);
  expect(crash?.gaps[0]?.detail).toMatch(/ValueError: boom\. Its traceback stands for the threads/);
});

test("a text with too many crashes keeps the first and counts the rest", () => {
  const crashes = crashesOf(Array.from({ length: MAX_CRASHES_PER_TEXT + 3 }, () => aDump()));
  expect(crashes).toHaveLength(MAX_CRASHES_PER_TEXT);
  expect(crashes.at(-1)?.gaps).toEqual([
    { code: "crashes-cut", detail: expect.stringMatching(/^3 more dumps/) },
  ]);
});
