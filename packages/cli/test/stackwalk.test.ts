/** Real minidumps of crashing interpreters, held against gdb's backtraces of the kernel's core of the same process. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildReports } from "@faultline/processor";
import type { NativeFrame, Report, Thread } from "@faultline/shared";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { corpusSymbols } from "../../../test/corpus-symbols.ts";
import { moduleSymbols } from "../src/symbols/module-symbols.ts";
import { openSymbolFolder } from "../src/symbols/symbol-folder.ts";

const place = corpusSymbols();
if (place === null) process.stdout.write(`minidumps against gdb: skipped, ${corpusSkipReason}\n`);
const folder = join(corpus ?? "", "minidump-python");
const cases =
  place === null
    ? []
    : readdirSync(folder).filter((name) => existsSync(join(folder, name, "expected.json")));
const symbolFolder = place === null ? null : await openSymbolFolder([place.symbols], place.caches);

async function reportOf(name: string): Promise<Report> {
  const engine = buildReports({
    metadata: noMetadata,
    faulthandler: null,
    minidump: readFileSync(join(folder, name, "crash.dmp")),
  });
  let step = engine.next();
  while (step.done !== true) {
    step = engine.next(
      step.value.need === "symbol-caches"
        ? await moduleSymbols(step.value.modules, symbolFolder!, place!.caches)
        : new Map(),
    );
  }
  return step.value[0]!.report;
}

const noMetadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

interface Truth {
  readonly signal: number;
  readonly si_code: number;
  readonly fault_address: string;
  readonly crash_tid: number;
  readonly threads?: readonly {
    readonly tid: number;
    readonly name: string;
    readonly ident: string;
  }[];
  readonly native_frames?: readonly { readonly pc: string; readonly function?: string | null }[];
  readonly native_frames_gdb_with_inlines?: readonly string[];
}

const truthOf = (name: string): Truth =>
  JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8")) as Truth;

const natives = (thread: Thread): NativeFrame[] =>
  thread.stack.filter((frame) => frame.language === "native");

const crashed = (report: Report): Thread => report.threads[report.crashingThread!]!;

/** signal(7) and siginfo.h, for the signals and codes of the corpus. */
const signals: Readonly<Record<number, string>> = {
  4: "SIGILL",
  6: "SIGABRT",
  8: "SIGFPE",
  11: "SIGSEGV",
};
const codes: Readonly<Record<string, string>> = {
  "11/1": "SEGV_MAPERR",
  "11/2": "SEGV_ACCERR",
  "11/128": "SI_KERNEL",
  "6/-6": "SI_TKILL",
  "8/1": "FPE_INTDIV",
  "4/2": "ILL_ILLOPN",
};

/** Frame lines of gdb's `bt` of one thread; `pc` null where gdb prints none (frame 0, and what a frame's call was inlined into). */
interface GdbFrame {
  readonly pc: string | null;
  readonly name: string;
}

function gdbThreads(name: string): ReadonlyMap<string, readonly GdbFrame[]> {
  const file = join(folder, name, "gdb.txt");
  const threads = new Map<string, GdbFrame[]>();
  let frames: GdbFrame[] | undefined;
  for (const line of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
    const id = /^Thread \d+ \(.*LWP (\d+)\)/.exec(line)?.[1];
    if (id !== undefined) threads.set(id, (frames = []));
    const frame = /^#\d+ +(?:0x0*([0-9a-f]+) in )?(\S+) \(/.exec(line);
    if (frame !== null)
      frames?.push({ pc: frame[1] === undefined ? null : `0x${frame[1]}`, name: frame[2]! });
  }
  return threads;
}

/** Without what gdb made up: callers that a jump replaced, which have an address that stands nowhere on the stack. */
function withoutTailCalls(
  frames: readonly GdbFrame[],
  ours: readonly NativeFrame[],
): readonly string[] {
  const pcs = new Set(ours.map(({ pc }) => pc));
  const kept: string[] = [];
  let real = true;
  for (const { pc, name } of frames) {
    if (pc !== null) real = pcs.has(pc);
    if (real) kept.push(name);
  }
  return kept;
}

const names = (frames: readonly NativeFrame[]): string[] =>
  frames.map((frame) => frame.function ?? "??");

const withoutUnknown = (frames: NonNullable<Truth["native_frames"]>): readonly [number, string][] =>
  frames.flatMap(({ function: known }, index) =>
    typeof known !== "string" ? [] : [[index, known] as const],
  );

const walks = new Map<string, Promise<Report>>();
function walked(name: string): Promise<Report> {
  const walk = walks.get(name) ?? reportOf(name);
  walks.set(name, walk);
  return walk;
}

/** Cases whose truth tells `key`. */
const telling = (key: keyof Truth): readonly string[] =>
  cases.filter((name) => truthOf(name)[key] !== undefined);

test.each(cases)("%s: signal, code, address, thread", async (name) => {
  const truth = truthOf(name);
  const report = await walked(name);
  expect(report).toMatchObject({
    reason: signals[truth.signal],
    code: codes[`${truth.signal}/${truth.si_code}`],
    address: truth.fault_address,
  });
  expect(crashed(report).id).toBe(String(truth.crash_tid));
});

test.each(telling("threads"))("%s: threads with their names and pthread_self()", async (name) => {
  const ours = (await walked(name)).threads.map((one) => [one.id, one.name, one.ident]);
  const wanted = truthOf(name).threads ?? [];
  expect(ours).toEqual(wanted.map((one) => [String(one.tid), one.name, one.ident]));
});

test.each(telling("native_frames"))("%s: the thread that died, frame by frame", async (name) => {
  const wanted = truthOf(name).native_frames ?? [];
  const thread = crashed(await walked(name));
  const physical = natives(thread).filter(({ inline }) => !inline);
  expect(physical.map(({ pc }) => pc)).toEqual(wanted.map(({ pc }) => pc));
  const named = withoutUnknown(wanted);
  expect(named.map(([index]) => [index, physical[index]!.function ?? "??"])).toEqual(named);
  expect(thread.truncated).toBe(false);
});

test.each(telling("native_frames_gdb_with_inlines"))("%s: its inlined calls", async (name) => {
  const ours = natives(crashed(await walked(name))).map(
    (frame) => `${frame.function ?? "??"}${frame.inline ? " [inlined]" : ""}`,
  );
  const told = (truthOf(name).native_frames_gdb_with_inlines ?? []).filter(
    (each) => !each.includes("[tailcall]"),
  );
  expect(ours.slice(0, told.length)).toEqual(told);
});

/** What gdb shows of the threads that did not die. */
function gdbOthers(name: string): ReadonlyMap<string, readonly GdbFrame[]> {
  const others = new Map(gdbThreads(name));
  others.delete(String(truthOf(name).crash_tid));
  return others;
}

test.each(cases.filter((name) => gdbOthers(name).size > 0))(
  "%s: the other threads, as gdb has them",
  async (name) => {
    const report = await walked(name);
    for (const [id, frames] of gdbOthers(name)) {
      const ours = natives(report.threads.find((thread) => thread.id === id)!);
      expect(names(ours), `thread ${id}`).toEqual(withoutTailCalls(frames, ours));
    }
  },
);

/** Of a dump without gdb's backtrace there is Breakpad's walk with symbols and unwind tables. */
test.each(cases.filter((name) => name.includes("aarch64")))(
  "%s: frames as Breakpad's",
  async (name) => {
    const text = readFileSync(join(folder, name, "stackwalk.txt"), "utf8");
    const theirs = [...text.matchAll(/^ +pc = 0x0*([0-9a-f]+)$/gm)].map(([, pc]) => `0x${pc}`);
    const ours = natives(crashed(await walked(name))).filter(({ inline }) => !inline);
    expect(ours.map(({ pc }) => pc)).toEqual(theirs);
  },
);
