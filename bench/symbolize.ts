/**
 * Native symbols: whole processes side by side over the same random addresses, then what a cache costs to build
 * and to ask. The object is the corpus's libpython3.13, else a small fixture, whose figures say little.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bytesSource, openCache, openElf } from "@faultline/debuginfo";
import { mebibytes } from "./memory.ts";
import {
  gnu,
  isInstalled,
  llvm,
  ours,
  run,
  type Subject,
  symbolFolder,
  textAddresses,
} from "./symbolizers.ts";

const ADDRESSES = 10_000;
const ROUNDS = 5;
const LOOKUP_SECONDS = 1;

/** Prints ratios to llvm-symbolizer and addr2line, the build's speed, memory and size, and lookups per second. */
export async function benchSymbols(): Promise<void> {
  const folder = symbolFolder();
  const [library] = folder === null ? [] : globSync(`${folder}/*/libpython3.13.so.1.0`);
  const fixture = new URL("../packages/debuginfo/test/fixtures/shapes-dwarf5.so", import.meta.url);
  const subject: Subject = { object: library ?? fileURLToPath(fixture), debug: null };
  print("object", library === undefined ? "a small fixture: no corpus here" : basename(library));
  const scratch = mkdtempSync(join(tmpdir(), "faultline-bench-"));
  try {
    sideBySide(subject, scratch);
    const out = join(scratch, "built");
    describeBuild(subject.object, out);
    describeLookups(subject.object, out);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function sideBySide(subject: Subject, scratch: string): void {
  const addresses = textAddresses(subject.object, ADDRESSES);
  const mine = ours(scratch);
  run(mine, subject, addresses); // builds the cache
  const others = [llvm, gnu];
  const tools = [mine, ...others.filter(isInstalled)];
  const best = new Map(tools.map(({ name }) => [name, Number.POSITIVE_INFINITY]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const tool of tools) {
      const { seconds } = run(tool, subject, addresses);
      best.set(tool.name, Math.min(best.get(tool.name) ?? seconds, seconds));
    }
  const own = best.get(mine.name) ?? 0;
  print("faultline", `${own.toFixed(3)} s for ${ADDRESSES} addresses, the cache being there`);
  for (const { name } of others) {
    const seconds = best.get(name);
    print(
      name,
      seconds === undefined
        ? "not installed"
        : `${seconds.toFixed(3)} s: faultline is ${(seconds / own).toFixed(2)} times as fast`,
    );
  }
}

function describeBuild(object: string, out: string): void {
  const script = fileURLToPath(new URL("symbol-build.ts", import.meta.url));
  const elf = openElf(bytesSource(readFileSync(object)));
  const fileBytes = elf.source.size;
  const debugBytes = elf.sections
    .filter(({ name }) => /^\.z?debug_/.test(name))
    .reduce((sum, { size }) => sum + size, 0);
  const runs = Array.from(
    { length: ROUNDS },
    () =>
      JSON.parse(execFileSync(process.execPath, [script, object, out], { encoding: "utf8" })) as {
        seconds: number;
        peak: number;
        cacheBytes: number;
      },
  );
  const seconds = Math.min(...runs.map((cost) => cost.seconds));
  const peak = Math.max(...runs.map((cost) => cost.peak));
  const cacheBytes = runs[0]?.cacheBytes ?? 0;
  print(
    "build",
    `${(debugBytes / seconds / 1e6).toFixed(1)} MB of debug sections/s (75 is the aim)`,
  );
  const limit = 3 * fileBytes + 150e6;
  print(
    "peak memory",
    `${mebibytes(peak)}, ${((100 * peak) / limit).toFixed(0)} % of 3 × file + 150 MB`,
  );
  print("cache", `${((100 * cacheBytes) / debugBytes).toFixed(1)} % of the debug sections`);
}

function describeLookups(object: string, built: string): void {
  const cache = openCache(readFileSync(built));
  const { loadBase } = cache.info;
  const addresses = Float64Array.from(
    textAddresses(object, ADDRESSES),
    (address) => address - loadBase,
  );
  const into = { scope: 0, file: 0, line: 0, column: 0 };
  const round = (): number => addresses.reduce((sum, at) => sum + Number(cache.find(at, into)), 0);
  for (let warm = 0; warm < 20; warm += 1) round();
  const heap = process.memoryUsage().heapUsed;
  const start = performance.now();
  let rounds = 0;
  for (; performance.now() - start < LOOKUP_SECONDS * 1000; rounds += 1) round();
  const lookups = (rounds * ADDRESSES * 1000) / (performance.now() - start);
  const garbage = Math.max(0, process.memoryUsage().heapUsed - heap) / (rounds * ADDRESSES);
  print(
    "warm lookups",
    `${(lookups / 1e6).toFixed(2)} million/s, ${garbage.toFixed(2)} bytes of heap each`,
  );
}

const print = (label: string, value: string): boolean =>
  process.stdout.write(`  ${label.padEnd(16)}${value}\n`);
