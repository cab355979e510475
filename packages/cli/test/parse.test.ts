/** `faultline parse`, as a user runs it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFaulthandler } from "@faultline/faulthandler";
import { faulthandlerText } from "@faultline/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpJson } from "../src/dump-json.ts";
import { faultline, launcher } from "./faultline.ts";

const text = faulthandlerText({
  python: 14,
  header: { kind: "signal", words: "Bus error" },
  threads: [
    { ident: 1n, osName: "w", frames: [{ file: "/srv/é.py", line: 3, name: "f" }] },
    { ident: 2n, current: true, frames: [], stop: "no Python frame" },
  ],
  cStack: [
    { file: "/usr/bin/python3.14", symbol: "_Py_DumpStack", offset: 0x44n, address: 0x101144a6cn },
    { file: null, address: 0x10n },
  ],
  extensionModules: ["yaml._yaml"],
});

const expected = {
  kind: "signal",
  message: "Bus error",
  threads: [
    {
      current: false,
      ident: "0x0000000000000001",
      osName: "w",
      frames: [{ file: "/srv/é.py", line: 3, name: "f", fileRaw: "/srv/\\xe9.py" }],
    },
    {
      current: true,
      ident: "0x0000000000000002",
      frames: [],
      stop: "no Python frame",
      noPythonFrame: true,
    },
  ],
  cStack: [
    { file: "/usr/bin/python3.14", symbol: "_Py_DumpStack", offset: 68, address: "0x101144a6c" },
    { file: null, address: "0x10" },
  ],
  extensionModules: { names: ["yaml._yaml"], total: 1 },
  pythonVersionHint: "3.14",
  gaps: [],
};

describe("the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-parse-"));
  const file = join(folder, "crash.log");
  beforeAll(() => writeFileSync(file, text));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("prints the dumps of a file", () => {
    const { status, stdout, stderr } = faultline("parse", file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({ dumps: [expected], gaps: [] });
  });

  test("prints those of standard input", () => {
    const { status, stdout } = spawnSync(process.execPath, [launcher, "parse", "-"], {
      input: text + text,
      encoding: "utf8",
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ dumps: [expected, expected], gaps: [] });
  });

  test("refuses a text without a dump, and says what it looked for", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "parse", "-"], {
      input: "nothing\n",
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ dumps: [], gaps: [{ code: "no-dump" }] });
    expect(stderr).toMatch(
      /^faultline parse: - holds no faulthandler dump: looked for "Fatal Python error"/,
    );
  });

  test("refuses a file that is not there", () => {
    const { status, stderr } = faultline("parse", join(folder, "none"));
    expect(status).toBe(1);
    expect(stderr).toContain("ENOENT");
  });

  test.each([[[]], [["a", "b"]], [["--nonsense"]]])("wrong usage: %j", (args) => {
    expect(faultline("parse", ...args).status).toBe(2);
  });

  test("tells its usage", () => {
    const { status, stdout } = faultline("parse", "--help");
    expect(status).toBe(0);
    expect(stdout).toContain("usage: faultline parse FILE");
  });
});

describe("what a key means", () => {
  const printed = (dump: string): Record<string, unknown> => {
    const [found] = parseFaulthandler(new TextEncoder().encode(dump)).dumps;
    return dumpJson(found!);
  };

  test.each([
    ["Windows fatal exception: access violation", { code: "0xc0000005" }],
    ["Windows fatal exception: code 0xc0000374", { code: "0xc0000374" }],
    ["Windows fatal exception: code c06d007f", { code: "0xc06d007f" }],
    ["Fatal Python error from unexpected signum: 29", { message: null, signum: 29 }],
    [
      "Fatal Python error: f: m\nPython runtime state: finalizing (tstate=0x1f)",
      { func: "f", runtimeState: "finalizing", runtimeTstate: "0x1f" },
    ],
    ["Fatal Python error: m\nPython runtime state: initialized", { runtimeState: "initialized" }],
    ["Timeout (0:00:00.250000)!", { timeout: "0:00:00.250000", timeoutSeconds: 0.25 }],
  ])("%j", (header, said) => {
    expect(printed(`${header}\n\nThread 0x00000001 (most recent call first):\n`)).toMatchObject(
      said,
    );
  });

  test("a traceback instead of threads", () => {
    const traceback =
      'Traceback (most recent call last):\n  File "/a.py", line 9, in f\n    g()\nValueError: boom';
    expect(printed(`Fatal Python error: m\n${traceback}\n`)).toMatchObject({
      exceptionLine: "ValueError: boom",
      pythonTraceback: [{ file: "/a.py", line: 9, name: "f" }],
    });
  });

  test("a string that CPython cut is raw with its dots", () => {
    const frames = [{ file: "ü".repeat(501), line: 1, name: "f" }];
    const dump = printed(faulthandlerText({ python: 9, threads: [{ ident: 1n, frames }] }));
    expect(dump.threads).toMatchObject([
      {
        frames: [
          { file: "ü".repeat(500), fileTruncated: true, fileRaw: `${"\\xfc".repeat(500)}...` },
        ],
      },
    ]);
  });
});
