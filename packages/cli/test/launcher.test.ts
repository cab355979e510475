/**
 * The launcher, in a made-up installation: its own copy of bin/faultline.cjs beside a main.ts that shows what
 * reached it. An old Node is this Node telling a lower version, and a really old one where the machine has it.
 */
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launcher } from "./faultline.ts";

const root = mkdtempSync(join(tmpdir(), "faultline-launcher-"));
const bin = join(root, "packages/cli/bin/faultline.cjs");
const pretendOld = join(root, "old.cjs");
const installed = join(
  root,
  "node_modules",
  `node-${process.platform}-${process.arch}`,
  "bin/node",
);

const main = `
const [what, value] = process.argv.slice(2);
if (what === "args") console.log(JSON.stringify({ args: process.argv.slice(2), node: process.versions.node }));
if (what === "start") console.log(JSON.stringify({ args: process.argv.slice(3), flags: process.execArgv, pid: process.pid }));
if (what === "exit") process.exitCode = Number(value);
if (what === "die") process.kill(process.pid, value);
if (what === "cat") process.stdin.pipe(process.stdout);
if (what === "wait") {
  process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(7); });
  console.log("waiting");
  setInterval(() => undefined, 1000);
}`;

beforeAll(() => {
  mkdirSync(join(root, "packages/cli/bin"), { recursive: true });
  mkdirSync(join(root, "packages/cli/src"));
  mkdirSync(join(installed, ".."), { recursive: true });
  copyFileSync(launcher, bin);
  writeFileSync(join(root, "packages/cli/package.json"), '{"type":"module"}');
  writeFileSync(join(root, "packages/cli/src/main.ts"), main);
  writeFileSync(
    pretendOld,
    'Object.defineProperty(process.versions, "node", { value: "18.20.4" });',
  );
  symlinkSync(process.execPath, installed);
});
afterAll(() => rmSync(root, { recursive: true }));

const old = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, ["--require", pretendOld, bin, ...args], {
    encoding: "utf8",
    input: "from stdin",
  });

describe("under Node 24", () => {
  test("runs here, with its arguments", () => {
    const { stdout } = spawnSync(process.execPath, [bin, "args", "--x"], { encoding: "utf8" });
    expect(JSON.parse(stdout)).toEqual({ args: ["args", "--x"], node: process.versions.node });
  });
});

const SMALL = "--max-semi-space-size=8";

describe("the flags of `start`", () => {
  test("Node 24 replaces itself to get them: still one process", () => {
    const { stdout, pid } = spawnSync(process.execPath, ["--no-deprecation", bin, "start", "-x"], {
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toEqual({ args: ["-x"], flags: ["--no-deprecation", SMALL], pid });
  });

  test("an older one hands them on", () => {
    expect(JSON.parse(old("start", "-x").stdout)).toMatchObject({ args: ["-x"], flags: [SMALL] });
  });
});

describe("under an older Node", () => {
  test("the installed one gets the arguments", () => {
    const { stdout } = old("args", "a b", "--", "-h");
    expect(JSON.parse(stdout)).toEqual({
      args: ["args", "a b", "--", "-h"],
      node: process.versions.node,
    });
  });

  test("the streams are its own", () => expect(old("cat").stdout).toBe("from stdin"));
  test("its exit code is ours", () => expect(old("exit", "5").status).toBe(5));
  test("the signal that ends it ends us", () =>
    expect(old("die", "SIGKILL").signal).toBe("SIGKILL"));

  test("a signal to us reaches it", async () => {
    const child = spawn(process.execPath, ["--require", pretendOld, bin, "wait"]);
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (text.includes("waiting")) child.kill("SIGTERM");
    });
    const [code] = await once(child, "close");
    expect([code, out]).toEqual([7, "waiting\ngot SIGTERM\n"]);
  });

  test("without an installed one, one sentence says what to install", () => {
    const lone = join(root, "lone.cjs");
    copyFileSync(launcher, lone);
    rmSync(installed);
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["--require", pretendOld, lone],
      { encoding: "utf8" },
    );
    symlinkSync(process.execPath, installed);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^faultline: this is Node 18\.20\.4, .* install Node 24 or later .*\.\n$/,
    );
  });

  const real = realOldNode();
  test.skipIf(real === null)(
    `really: ${real?.version ?? "skipped, this machine has no Node older than 24"}`,
    () => {
      const stdout = execFileSync(real?.path ?? "", [launcher, "--version"], { encoding: "utf8" });
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
  );
});

function realOldNode(): { path: string; version: string } | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, "node");
    if (!existsSync(path)) continue;
    const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
    if (Number(/^v(\d+)/.exec(version)?.[1]) < 24) return { path, version };
  }
  return null;
}
