import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { closest } from "../src/closest.ts";
import { commands } from "../src/commands.ts";
import { faultline, launcher } from "./faultline.ts";

describe("faultline", () => {
  test("--help lists every command and exits 0", () => {
    const { status, stdout, stderr } = faultline("--help");
    expect([status, stderr]).toEqual([0, ""]);
    for (const name of Object.keys(commands))
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
  });

  test("without a command shows the help on stderr and exits 2", () => {
    const { status, stdout, stderr } = faultline();
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^usage: faultline COMMAND/);
  });

  test("--version prints the package's version", () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(faultline("--version").stdout).toBe(`${manifest.version}\n`);
  });

  test.each([
    ["prase", 'there is no command "prase"; did you mean parse?'],
    ["symbolica", 'there is no command "symbolica"; did you mean symbolicator?'],
    ["toString", 'there is no command "toString"; faultline --help lists them all.'],
  ])("an unknown command %s exits 2 with what may have been meant", (word, message) => {
    const { status, stdout, stderr } = faultline(word);
    expect([status, stdout, stderr]).toEqual([2, "", `faultline: ${message}\n`]);
  });

  test("an option that a command does not know exits 2", () => {
    const { status, stderr } = faultline("migrate", "--colour");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^faultline migrate: .*--colour/);
  });

  test("a reader that stops reading is no error", () => {
    const pipe = `"$0" "$1" --help | true; exit \${PIPESTATUS[0]}`;
    const { status, stderr } = spawnSync("bash", ["-c", pipe, process.execPath, launcher], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });
});

test("the closest words: fewest edits first, beginnings too, nothing far off", () => {
  const known = ["parse", "pyc", "group", "start"];
  expect(closest("pars", known)).toEqual(["parse"]);
  expect(closest("strat", known)).toEqual(["start"]);
  expect(closest("py", known)).toEqual(["pyc"]);
  expect(closest("database", known)).toEqual([]);
  expect(closest("p".repeat(1_000_000), known)).toEqual([]);
});
