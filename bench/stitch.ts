/**
 * What Python costs per crash, on real dumps of CPython, in a process that is warm: reading its
 * threads out of the dump (opened anew), and laying their frames over the native ones, of all
 * threads together.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openCache } from "@faultline/debuginfo/cache";
import { openMinidump } from "@faultline/minidump";
import type { ModuleIdentity, ModuleSymbols, SymbolCaches, Thread } from "@faultline/shared";
import { moduleSymbols } from "../packages/cli/src/symbols/module-symbols.ts";
import { openSymbolFolder } from "../packages/cli/src/symbols/symbol-folder.ts";
import { dumpFacts } from "../packages/processor/src/native/dump-facts.ts";
import { ModuleMap } from "../packages/processor/src/native/modules.ts";
import { type NativeCrash, nativeCrash } from "../packages/processor/src/native/native-crash.ts";
import { joinThreads } from "../packages/processor/src/native-parts.ts";
import type { Asking } from "../packages/processor/src/needs.ts";
import { FrameResolver } from "../packages/processor/src/python/frame-resolver.ts";
import { ReleaseFiles } from "../packages/processor/src/python/release-files.ts";
import { readPythonMemory } from "../packages/processor/src/python-memory/python-memory.ts";
import { threadsInMemory } from "../packages/processor/src/stitch/memory-threads.ts";
import { type PythonSide, sidesOf } from "../packages/processor/src/stitch/python-side.ts";
import { threadAlone } from "../packages/processor/src/threads.ts";
import { corpus } from "../test/corpus.ts";
import { symbolFolder } from "./symbolizers.ts";

const ROUNDS = 60;

export async function benchStitch(): Promise<void> {
  const symbols = symbolFolder();
  if (corpus === null || symbols === null)
    return print("skipped", "the corpus of dumps is not beside this clone");
  const caches = mkdtempSync(join(tmpdir(), "faultline-bench-"));
  try {
    const known = new Symbols(symbols, caches);
    for (const dump of globSync(join(corpus, "minidump-python/*/crash.dmp")).toSorted())
      await measure(dump, known);
  } finally {
    rmSync(caches, { recursive: true });
  }
}

/** Symbols of modules, each read once and opened once, as a worker keeps them. */
class Symbols {
  readonly #folder: ReturnType<typeof openSymbolFolder>;
  readonly #caches: string;
  readonly #known = new Map<string, ModuleSymbols>();
  readonly #opened = new Map<string, ReturnType<typeof openCache>>();

  constructor(symbols: string, caches: string) {
    this.#folder = openSymbolFolder([symbols], caches);
    this.#caches = caches;
  }

  readonly open = ({ cache, contentKey }: ModuleSymbols): ReturnType<typeof openCache> => {
    const open = this.#opened.get(contentKey) ?? openCache(cache ?? new Uint8Array());
    this.#opened.set(contentKey, open);
    return open;
  };

  async of(modules: readonly ModuleIdentity[]): Promise<SymbolCaches> {
    const lacking = modules.filter(({ key }) => !this.#known.has(key));
    for (const [key, found] of await moduleSymbols(lacking, await this.#folder, this.#caches))
      this.#known.set(key, found);
    return this.#known;
  }

  async answer<Result>(asking: Asking<Result>): Promise<Result> {
    let step = asking.next();
    while (step.done !== true) {
      const need = step.value;
      step = asking.next(need.need === "symbol-caches" ? await this.of(need.modules) : new Map());
    }
    return step.value;
  }
}

async function measure(file: string, symbols: Symbols): Promise<void> {
  const bytes = readFileSync(file);
  const native = await symbols.answer(nativeCrash(bytes, symbols.open, null));
  if (!("threads" in native)) return;
  const known = await symbols.of([]);
  const sides = sidesIn(native);
  const reading = median(() => readOnce(bytes, symbols, known));
  const stitching = median(() => joinThreads(native, sides, null));
  const printed = sides.map(asPrinted);
  const byNames = median(() => joinThreads(native, printed, null));
  const threads: readonly Thread[] = joinThreads(native, sides, null).threads;
  const count = (language: string): number =>
    threads.flatMap(({ stack }) => stack).filter((frame) => frame.language === language).length;
  print(
    basename(dirname(file)),
    `${threads.length} threads, ${count("native")} native and ${count("python")} Python frames: ` +
      `read ${ms(reading)}, stitched ${ms(stitching)}, by names alone ${ms(byNames)}`,
  );
}

function sidesIn(native: NativeCrash): readonly PythonSide[] {
  const { threads, sides } = threadsInMemory(native);
  const resolver = new FrameResolver(new ReleaseFiles(new Map(), unused), null);
  const alone = threads.map((thread) => threadAlone(thread, resolver.stack(thread.frames)));
  const minor = native.python?.minor ?? null;
  return sidesOf(alone, { memory: sides, minor, waysInto: () => [] });
}

/** As if faulthandler's text told them: at most 100 frames, and not which activation runs which. */
function asPrinted(side: PythonSide): PythonSide {
  const frames = side.frames.slice(0, PRINTED_FRAMES);
  const thread = { ...side.thread, truncated: frames.length < side.frames.length };
  return { ...side, frames, thread, runs: null };
}

/** What CPython prints of a thread. */
const PRINTED_FRAMES = 100;

const unused = (): never => {
  throw new Error("there are no files to open");
};

/** From the dump's bytes on, as far as Python's threads need it. */
function readOnce(bytes: Uint8Array, { open }: Symbols, known: SymbolCaches): void {
  const dump = openMinidump(bytes);
  const { modules, cpu, threads } = dumpFacts(dump);
  const dumped = {
    memory: dump.memory,
    modules: new ModuleMap(modules),
    cpu,
    threads,
    minor: null,
  };
  const asking = readPythonMemory(dumped, open);
  let step = asking.next();
  while (step.done !== true) step = asking.next(known);
}

/** Median of ROUNDS times, in seconds. */
function median(work: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.toSorted((one, other) => one - other)[ROUNDS / 2]! / 1000;
}

const ms = (seconds: number): string => `${(seconds * 1000).toFixed(2)} ms`;

const print = (name: string, text: string): void =>
  void process.stdout.write(`  ${name.padEnd(36)} ${text}\n`);
