import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { faultline } from "./faultline.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../debuginfo/test/fixtures/${name}`, import.meta.url));

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "faultline-symbolize-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const place = (name: string, ...path: string[]): string => {
  const to = join(folder, ...path);
  mkdirSync(join(to, ".."), { recursive: true });
  copyFileSync(fixture(name), to);
  return to;
};

/** [function, file, line] of the innermost frame at an address, and what was told on standard error. */
function symbolize(object: string, address: string): { frame: unknown; told: string } {
  const { status, stdout, stderr } = faultline(
    "symbolize",
    "--cache",
    join(folder, "cache"),
    "--object",
    object,
    address,
  );
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  const [inner] = (JSON.parse(stdout) as { frames: Record<string, unknown>[] }).frames;
  const frame = inner === undefined ? null : [inner["function"], inner["file"], inner["line"]];
  return { frame, told: stderr.replaceAll(folder, "") };
}

const COLD = "shapes::measure(shapes::Box const*, int) (.cold)";
const cold = [COLD, "/build/shapes.cc", 29];

test.each([[["shapes-stripped.debug"]], [[".debug", "shapes-stripped.debug"]]])(
  "the debug file is found by .gnu_debuglink in %j",
  (path) => {
    const object = place("shapes-stripped.so", "libshapes.so");
    place("shapes-stripped.debug", ...path);
    expect(symbolize(object, "3a0")).toEqual({ frame: cold, told: "" });
  },
);

test("a debug file that is not there, or another one, is told; what the object knows is answered", () => {
  const object = place("shapes-stripped.so", "libshapes.so");
  expect(symbolize(object, "390")).toEqual({
    frame: ["shapes::refuse(int)", null, null],
    told: "faultline symbolize: debug file shapes-stripped.debug (.gnu_debuglink): not found\n",
  });
  writeFileSync(join(folder, "shapes-stripped.debug"), "hi\n");
  expect(symbolize(object, "390").told).toBe(
    "faultline symbolize: /shapes-stripped.debug is another file: its CRC is 0xed6f7a7a, wanted 0x31e48ece\n",
  );
});

test("MiniDebugInfo names what is not exported", () => {
  const object = place("shapes-minidebug.so", "libshapes.so");
  expect(symbolize(object, "3a0")).toEqual({ frame: [COLD, null, null], told: "" });
  expect(symbolize(object, "390").frame).toEqual(["shapes::refuse(int)", null, null]);
});

test("a Breakpad .sym is answered from, and its cache kept and used again", () => {
  const object = join(folder, "app.sym");
  writeFileSync(
    object,
    "MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 app\nFILE 0 a.c\nFUNC 10 8 0 main\n10 8 3 0\n",
  );
  const answer = { frame: ["main", "a.c", 3], told: "" };
  expect(symbolize(object, "0x12")).toEqual(answer);
  expect(readdirSync(join(folder, "cache"))).toHaveLength(1);
  expect(symbolize(object, "0x12")).toEqual(answer);
});

test("a big file that changes is answered from anew", () => {
  const object = join(folder, "big.sym");
  const write = (name: string): void =>
    writeFileSync(
      object,
      `MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 app\nFUNC 10 8 0 ${name}\n${"INFO padding\n".repeat(100_000)}`,
    );
  write("one");
  expect(symbolize(object, "10").frame).toEqual(["one", null, null]);
  write("two");
  expect(symbolize(object, "10").frame).toEqual(["two", null, null]);
});

test("faultline cache tells what a cache holds, and the bytes of its parts", () => {
  const out = join(folder, "built");
  const { status, stdout } = faultline("cache", fixture("shapes-dwarf5.so"), "--out", out);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  expect([status, told["sources"], told["unwind"]]).toEqual([0, ["dwarf", "symtab"], ["eh_frame"]]);
  const parts = ["rowBytes", "nameBytes", "unwindBytes"].map((part) => Number(told[part]));
  expect(Math.min(...parts)).toBeGreaterThan(50);
  expect(statSync(out).size).toBe(told["cacheBytes"]);
  expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(Number(told["cacheBytes"]));
});
