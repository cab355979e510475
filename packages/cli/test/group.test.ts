import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

async function faultlineGroup(input: string, ...args: string[]) {
  const child = spawn(process.execPath, [main, "group", ...args]);
  child.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([
    new Promise((resolve) => child.once("close", resolve)),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, lines: stdout.split("\n").filter((line) => line !== ""), stdout, stderr };
}

const report = {
  kind: "signal",
  reason: "SIGSEGV",
  threads: [
    {
      stack: [
        { language: "python", module: "media.thumbs", function: "make_thumb" },
        { language: "python", module: "media.upload", function: "store" },
      ],
    },
  ],
};

test("each report is answered by one line with every key of a grouping", async () => {
  const { code, lines, stderr } = await faultlineGroup(
    `${JSON.stringify(report)}\n${JSON.stringify({ ...report, reason: "SIGBUS" })}\n`,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(Object.keys(first)).toEqual([
    "ruleset",
    "mode",
    "confidence",
    "coarse",
    "mid",
    "fine",
    "link",
    "group",
    "title",
    "culprit",
    "frames",
  ]);
  expect(Object.keys(first.frames[0])).toEqual(["index", "role", "token", "usedIn", "reason"]);
  expect(first.title).toBe("Segfault in media.thumbs:make_thumb");
  expect(second.group).toBe(first.group);
});

test("captures of one bug find each other, whichever came first", async () => {
  const python = report.threads[0]!.stack;
  const native = [{ language: "native", module: "libthumb.so.2", function: "thumb_scale" }];
  const withThread = (stack: object[]) => JSON.stringify({ ...report, threads: [{ stack }] });
  const both = withThread([...native, ...python]);
  const { lines } = await faultlineGroup(
    `${withThread(python)}\n${both}\n${both}\n${both}\n${withThread(native)}\n`,
  );
  const groupings = lines.map((line) => JSON.parse(line));
  expect(groupings.map(({ culprit }) => culprit)).toEqual([
    "media.thumbs:make_thumb",
    ...Array(4).fill("thumb:thumb_scale"),
  ]);
  expect(new Set(groupings.map(({ group }) => group))).toEqual(new Set([groupings[1].mid]));
});

test("a bad line is told by its number, the others are answered, and the exit code is 1", async () => {
  const good = JSON.stringify(report);
  const { code, lines, stderr } = await faultlineGroup(`${good}\n{"kind":\n\n[1]\n${good}`);
  expect(code).toBe(1);
  expect(lines).toHaveLength(2);
  expect(stderr).toMatch(/line 2: not JSON/);
  expect(stderr).toMatch(/line 4: wanted a report .* found an array/);
});

test("--help teaches, and an unknown option is wrong usage", async () => {
  const help = await faultlineGroup("", "--help");
  expect(help.code).toBe(0);
  expect(help.stdout).toMatch(/usage: faultline group/);
  expect((await faultlineGroup("", "--file")).code).toBe(2);
});
