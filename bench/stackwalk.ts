/**
 * Minidumps: whole processes side by side on real dumps of CPython, then dumps in a process that is warm, as a worker is.
 *
 * The peer is rust-minidump's `minidump-stackwalk`, with .sym files that `dump_syms` made, where both are installed
 * (`cargo install minidump-stackwalk dump_syms`).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openCache } from "@faultline/debuginfo/cache";
import { buildReports } from "@faultline/processor";
import type { ModuleSymbols, SymbolCaches } from "@faultline/shared";
import { corpus } from "../test/corpus.ts";
import { moduleSymbols } from "../packages/cli/src/symbols/module-symbols.ts";
import { openSymbolFolder } from "../packages/cli/src/symbols/symbol-folder.ts";
import { mebibytes } from "./memory.ts";
import { faultline, isInstalled, symbolFolder } from "./symbolizers.ts";

const ROUNDS = 7;
const WARM_ROUNDS = 40;
/** The dumps that are walked as processes: one crash each of CPython 3.12 and 3.13. */
const WHOLE = /-py3\.1[23]-(?:qsort|segv)/;

export async function benchStackwalk(): Promise<void> {
  const symbols = symbolFolder();
  if (corpus === null || symbols === null)
    return print("skipped", "the corpus of dumps is not beside this clone");
  const dumps = globSync(join(corpus, "minidump-python/*/crash.dmp")).toSorted();
  const scratch = mkdtempSync(join(tmpdir(), "faultline-bench-"));
  try {
    processes(
      dumps.filter((dump) => WHOLE.test(dump)),
      symbols,
      scratch,
    );
    await warm(dumps, symbols, join(scratch, "caches"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function processes(dumps: readonly string[], symbols: string, scratch: string): void {
  const caches = join(scratch, "caches");
  const ours = (dump: string): string[] => [
    process.execPath,
    faultline,
    "stackwalk",
    dump,
    "--symbols",
    symbols,
    "--cache",
    caches,
  ];
  const peer = symFiles(symbols, join(scratch, "sym"));
  for (const dump of dumps) {
    seconds(ours(dump)); // builds the caches
    const own = best(() => seconds(ours(dump)));
    print(nameOf(dump), `${own.toFixed(3)} s, a whole process, the caches being there`);
    if (peer === null) continue;
    const theirs = best(() => seconds(["minidump-stackwalk", dump, peer]));
    const ratio = (theirs / own).toFixed(2);
    print(
      "",
      `minidump-stackwalk with .sym files: ${theirs.toFixed(3)} s; faultline is ${ratio} times as fast`,
    );
  }
  if (peer === null) print("peer", "minidump-stackwalk and dump_syms are not installed");
}

/** Breakpad's layout, NAME/DEBUGID/NAME.sym, of the interpreters and their C libraries; null without the tool. */
function symFiles(symbols: string, folder: string): string | null {
  if (!isInstalled({ name: "dump_syms" }) || !isInstalled({ name: "minidump-stackwalk" }))
    return null;
  for (const object of globSync(
    join(symbols, "*/{libpython3.1[23]*,libc.so.6,_ctypes*,libffi*,python3.1[23]}"),
  )) {
    const made = spawnSync("dump_syms", [object], { encoding: "utf8", maxBuffer: 2 ** 30 });
    const [, , , id, name] = made.stdout.split("\n", 1)[0]?.split(" ") ?? [];
    if (made.status !== 0 || id === undefined || name === undefined) continue;
    mkdirSync(join(folder, name, id), { recursive: true });
    writeFileSync(join(folder, name, id, `${name}.sym`), made.stdout);
  }
  return folder;
}

/** In one process, the caches read: what a worker does for each dump. */
async function warm(dumps: readonly string[], symbols: string, caches: string): Promise<void> {
  const folder = await openSymbolFolder([symbols], caches);
  const known = new Map<string, ModuleSymbols>();
  const opened = new Map<string, ReturnType<typeof openCache>>();
  const openers = {
    openCache: ({ cache, contentKey }: ModuleSymbols) => {
      const open = opened.get(contentKey) ?? openCache(cache ?? new Uint8Array());
      opened.set(contentKey, open);
      return open;
    },
  };
  const walk = async (minidump: Uint8Array): Promise<number> => {
    let milliseconds = 0;
    const timed = <T>(work: () => T): T => {
      const start = performance.now();
      const result = work();
      milliseconds += performance.now() - start;
      return result;
    };
    const engine = buildReports({ metadata, faulthandler: null, minidump }, openers);
    let step = timed(() => engine.next());
    while (step.done !== true) {
      const need = step.value;
      if (need.need === "python-files") {
        step = timed(() => engine.next(new Map()));
        continue;
      }
      const lacking = need.modules.filter(({ key }) => !known.has(key));
      for (const [key, found] of await moduleSymbols(lacking, folder, caches))
        known.set(key, found);
      step = timed(() => engine.next(known satisfies SymbolCaches));
    }
    return milliseconds;
  };
  for (const dump of dumps) {
    const bytes = readFileSync(dump);
    for (let round = 0; round < 3; round++) await walk(bytes);
    const times: number[] = [];
    for (let round = 0; round < WARM_ROUNDS; round++) times.push(await walk(bytes));
    times.sort((one, other) => one - other);
    const at = (share: number): string =>
      `${times[Math.floor(times.length * share)]?.toFixed(1)} ms`;
    print(nameOf(dump), `warm: p50 ${at(0.5)}, p99 ${at(0.99)}`);
  }
  const cacheBytes = [...known.values()].reduce((sum, { cache }) => sum + (cache?.length ?? 0), 0);
  const resident = process.memoryUsage().rss;
  print(
    "memory",
    `${mebibytes(resident)} with ${opened.size} modules open, ${mebibytes(cacheBytes)} of it their caches`,
  );
}

function seconds([command = "", ...words]: readonly string[]): number {
  const start = performance.now();
  execFileSync(command, words, { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
  return (performance.now() - start) / 1000;
}

const best = (run: () => number): number => Math.min(...Array.from({ length: ROUNDS }, run));

const nameOf = (dump: string): string => basename(join(dump, ".."));

const metadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

const print = (label: string, value: string): void =>
  void process.stdout.write(`  ${label.padEnd(34)}${value}\n`);
