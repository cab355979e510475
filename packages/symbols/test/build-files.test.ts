/** What belongs together becomes one cache; what cannot be read of it costs itself. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DebugInfoError, openCache, type SymbolCache } from "@faultline/debuginfo";
import { buildFiles } from "../src/index.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../debuginfo/test/fixtures/${name}`, import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "faultline-symbols-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const build = async (object: string, debug: string | null = null): Promise<SymbolCache> =>
  openCache(await buildFiles({ object, debug, supplementary: null, split: [] }));
const nameAt = (cache: SymbolCache, address: number): string | null | undefined =>
  cache.frames(address)[0]?.function;

test("MiniDebugInfo adds names; damaged, it is a gap, and the exported names stay", async () => {
  const whole = await build(fixture("shapes-minidebug.so"));
  expect(whole.info).toMatchObject({ sources: ["gnu_debugdata", "dynsym"], gaps: [] });
  expect(nameAt(whole, 0x3a0)).toMatch(/measure.*cold/);
  const bytes = await readFile(fixture("shapes-minidebug.so"));
  bytes.fill(0, bytes.indexOf("\xfd7zXZ\0", 0, "latin1") + 8, bytes.indexOf("YZ", 0, "latin1"));
  const damaged = join(folder, "damaged.so");
  await writeFile(damaged, bytes);
  const cache = await build(damaged);
  expect(cache.info.sources).toEqual(["dynsym"]);
  expect(cache.info.gaps).toEqual([expect.stringContaining(".gnu_debugdata: ")]);
  expect(nameAt(cache, 0x390)).toBe("shapes::refuse(int)");
});

test("a stripped object and its debug file are one cache", async () => {
  const cache = await build(fixture("shapes-stripped.so"), fixture("shapes-stripped.debug"));
  expect(cache.frames(0x3a0)[0]).toMatchObject({ file: "/build/shapes.cc", line: 29 });
});

test("a Breakpad .sym is one by itself; anything else is refused", async () => {
  const sym = join(folder, "app.sym");
  await writeFile(
    sym,
    "MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 app\nFUNC 10 8 0 main\n",
  );
  expect(nameAt(await build(sym), 0x12)).toBe("main");
  const text = join(folder, "text");
  await writeFile(text, "neither");
  await expect(build(text)).rejects.toThrow(DebugInfoError);
});
