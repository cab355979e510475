/** Strings of frames: escapes, cuts, and what cannot be told apart. */
import { escaped, faulthandlerText } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import type { TextFrame } from "../src/index.ts";
import { frame, parseOne, signalDump, thread } from "./parsing.ts";

function frameOf(file: string, name = "f"): TextFrame | undefined {
  const threads = [thread(1n, { frames: [frame(file, 5, name)] })];
  return parseOne(faulthandlerText(signalDump({ threads }))).threads[0]?.frames[0];
}

/** The frame of a file that is printed as `printed`. */
function printedFile(printed: string): TextFrame | undefined {
  const text = `Stack (most recent call first):\n  File "${printed}", line 5 in f\n`;
  return parseOne(text).threads[0]?.frames[0];
}

describe("escapes", () => {
  test.each(["/srv/café/日本語/🐍.py", "/srv/\udcff\udc80.py", "/a\u007f\u0000b", "/\uffff"])(
    "%j",
    (file) => {
      expect(frameOf(file)).toEqual({ file, line: 5, name: "f", fileRaw: escaped(file) });
    },
  );

  test("3.3 writes U+FFFF in the long form", () => {
    expect(printedFile("/\\U0000ffff")?.file).toBe("/\uffff");
  });

  test("quotes are not escaped", () => {
    const file = '/srv/a"b, line 7 in x\n  File "c.py", line 3 in d';
    expect(frameOf(file)?.file).toBe(file);
  });

  test("a name with the words of the line itself: the last ones count", () => {
    expect(frameOf("q.py", 'odd", line 6 in q')).toEqual({
      file: 'q.py", line 5 in odd',
      line: 6,
      name: "q",
    });
  });

  test.each([
    "/srv/x\\x41.py", // the writer prints A
    "/srv/\\u0041",
    "/srv/\\U00110000",
    "/srv/\\XFF",
    "/srv/\\xF6",
  ])("%s is no escape of CPython's", (file) => {
    expect(printedFile(file)).toEqual({ file, line: 5, name: "f" });
  });

  test.each([
    ["C:\\Users\\J\\xf6rg\\app.py", "C:\\Users\\Jörg\\app.py"],
    ["C:\\\\u65e5\\u672c\\app.py", "C:\\日本\\app.py"],
    ["C:\\dev\\x86\\app.py", "C:\\dev\\x86\\app.py"],
    ["C:\\Users\\u1234567\\app.py", "C:\\Users\\u1234567\\app.py"],
    ["\\\\host\\x64\\app.py", "\\\\host\\x64\\app.py"],
  ])("on a Windows path, %s", (printed, file) => {
    expect(printedFile(printed)?.file).toBe(file);
  });
});

describe("cuts", () => {
  test.each([
    ["d".repeat(500), false],
    ["d".repeat(501), true],
    ["ü".repeat(501), true],
    ["🐍".repeat(600), true],
    [`${"d".repeat(497)}...`, false],
  ])("%s", (file, truncated) => {
    const found = frameOf(file);
    expect(found?.file).toBe(Array.from(file).slice(0, 500).join(""));
    expect(found?.fileTruncated).toBe(truncated || undefined);
    expect(found?.fileRaw?.endsWith("...")).not.toBe(true);
  });

  test("names are cut, too", () => {
    expect(frameOf("/a.py", "g".repeat(700))).toEqual({
      file: "/a.py",
      line: 5,
      name: "g".repeat(500),
      nameTruncated: true,
    });
  });
});
