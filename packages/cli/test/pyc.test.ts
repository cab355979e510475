/** `faultline pyc`, as a user runs it. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locationTable, py, synthCode, synthPyc } from "@faultline/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultline } from "./faultline.ts";

const pyc = synthPyc(
  13,
  {
    name: "<module>",
    qualname: "<module>",
    flags: 0,
    code: [149, 0, 30, 0],
    names: ["é"],
    consts: [
      synthCode(13, { name: "f", qualname: "C.f", argcount: 1, varnames: ["self"] }),
      py.int(-1),
    ],
    lineTable: locationTable(1, [
      { length: 2, line: 0, column: 1, endColumn: 0 },
      { length: 2, line: 7, endLine: 8, column: 4, endColumn: 9 },
    ]),
  },
  { mtime: 1_700_000_000, sourceSize: 4074 },
);

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-pyc-"));
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    writeFileSync(file("m.pyc"), pyc);
    writeFileSync(file("cut.pyc"), pyc.subarray(0, 60));
    writeFileSync(file("long.pyc"), Buffer.concat([pyc, Buffer.from("more")]));
    writeFileSync(file("table.pyc"), synthPyc(12, { lineTable: Uint8Array.of(0x7f) }));
    writeFileSync(file("huge.pyc"), pyc);
    truncateSync(file("huge.pyc"), 2 ** 33);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("prints a line for each file", () => {
    const { status, stdout, stderr } = faultline("pyc", file("m.pyc"), file("m.pyc"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [first, second] = lines(stdout);
    expect(second).toEqual(first);
    expect(first).toMatchObject({
      python: "3.13",
      pyc: "m.pyc",
      header: {
        magic: 3571,
        magicHex: "f30d0d0a",
        headerSize: 16,
        flags: 0,
        mtime: 1_700_000_000,
        sourceSize: 4074,
      },
      codeCount: 2,
      codes: [
        {
          path: [],
          name: "<module>",
          names: ["é"],
          codeBytes: 4,
          addr2line: [
            [0, 2, 0],
            [2, 4, 7],
          ],
          coLines: [
            [0, 2, 0],
            [2, 4, 7],
          ],
          lineStarts: [
            [0, 0],
            [2, 7],
          ],
          positions: [
            [0, 2, 0, 0, 1, 0],
            [2, 4, 7, 8, 4, 9],
          ],
          exceptions: [],
        },
        { path: [0], name: "f", qualname: "C.f", args: ["self"] },
      ],
      moduleConsts: ["<code f>", "-1"],
    });
  });

  test("says of a damaged file what is wrong and where, and prints the others", () => {
    const { status, stdout, stderr } = faultline(
      "pyc",
      file("cut.pyc"),
      file("m.pyc"),
      file("table.pyc"),
    );
    expect(status).toBe(1);
    expect(lines(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/cut\.pyc: truncated: .* at 0x[0-9a-f]+\n/);
    expect(stderr).toMatch(/table\.pyc: bad-line-table: .* at 0x[0-9a-f]+\n/);
  });

  test("warns of bytes after the code object", () => {
    const { status, stdout, stderr } = faultline("pyc", file("long.pyc"));
    expect(status).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
    expect(stderr).toContain(
      `trailing-bytes: 4 bytes after the code object are ignored, from 0x${pyc.length.toString(16)} on`,
    );
  });

  test("refuses what is missing, no file, or larger than it reads", () => {
    const { status, stdout, stderr } = faultline("pyc", file("none.pyc"), folder, file("huge.pyc"));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("ENOENT");
    expect(stderr).toContain("EISDIR");
    expect(stderr).toContain("MAX_PYC_BYTES");
  });

  test("wants a file", () => {
    expect(faultline("pyc").status).toBe(2);
    expect(faultline("pyc", "--wrong").status).toBe(2);
    const { status, stdout } = faultline("pyc", "--help");
    expect(status).toBe(0);
    expect(stdout).toContain("usage: faultline pyc FILE…");
  });
});
