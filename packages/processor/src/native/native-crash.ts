/** A minidump → why the process died, and the stacks of its threads with their symbols. */
import { type DumpMemory, MinidumpError, openMinidump } from "@faultline/minidump";
import type { Classification, Gap, Module, ProcessInfo, ReportKind } from "@faultline/shared";
import type { Walk } from "@faultline/unwind";
import { gap, keepGaps } from "../gaps.ts";
import { hex } from "../hex.ts";
import { MAX_GAPS_PER_THREAD, MAX_REPORT_FRAMES } from "../limits.ts";
import type { Asking } from "../needs.ts";
import { minorOf, pythonOfModules } from "../platform.ts";
import { type PythonMemory, readPythonMemory } from "../python-memory/python-memory.ts";
import { ProcessCode } from "./code.ts";
import { type DumpFacts, dumpFacts, type DumpThread } from "./dump-facts.ts";
import { classifyFault } from "./fault.ts";
import { type Activation, activationOf } from "./frames.ts";
import { ModuleMap, type OpenSymbolCache } from "./modules.ts";
import { symbolGaps } from "./symbol-gaps.ts";
import { walkThreads } from "./walk.ts";

export interface NativeThread {
  /** Operating system's id, decimal. */
  readonly id: string;
  /** pthread_self(), which faulthandler prints; null where the dump does not tell it. */
  readonly ident: bigint | null;
  readonly name: string | null;
  readonly crashed: boolean;
  /** Innermost first. */
  readonly activations: readonly Activation[];
  /** Index of the first activation behind those that are left out; null where none are. */
  readonly leftOutBefore: number | null;
  readonly truncated: boolean;
  readonly gaps: readonly Gap[];
}

export interface NativeCrash {
  readonly kind: ReportKind;
  readonly reason: string | null;
  readonly code: string | null;
  readonly address: string | null;
  /** An assertion's own words. */
  readonly message: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly classification: Classification | null;
  readonly os: string | null;
  readonly cpu: string | null;
  readonly osVersion: string | null;
  readonly process: ProcessInfo;
  readonly registers: Readonly<Record<string, string>> | null;
  readonly threads: readonly NativeThread[];
  readonly modules: readonly Module[];
  /** Python's side of it, as far as the dump holds it. */
  readonly python: PythonMemory | null;
  readonly gaps: readonly Gap[];
}

/**
 * A refused dump is a gap: what else came of the crash still counts. `pythonMinor`: of CPython 3,
 * where the crash's metadata tell it.
 */
export function* nativeCrash(
  bytes: Uint8Array,
  open: OpenSymbolCache,
  pythonMinor: number | null,
): Asking<NativeCrash | Gap> {
  try {
    const dump = openMinidump(bytes);
    return yield* crashOf(dumpFacts(dump), dump.memory, open, pythonMinor);
  } catch (error) {
    if (!(error instanceof MinidumpError)) throw error;
    return gap("dump-refused", `The minidump cannot be read (${error.code}): ${error.message}.`);
  }
}

function* crashOf(
  facts: DumpFacts,
  memory: DumpMemory,
  open: OpenSymbolCache,
  pythonMinor: number | null,
): Asking<NativeCrash> {
  const moduleMap = new ModuleMap(facts.modules);
  const code = new ProcessCode(moduleMap, facts.maps);
  const contexts = facts.threads.map(({ context }) => context);
  const walks = yield* walkThreads(
    contexts,
    { memory, modules: moduleMap, code, os: facts.os },
    open,
  );
  const said = pythonOfModules(facts.modules.map(({ name }) => name));
  const minor = minorOf(said) ?? pythonMinor;
  const process = { memory, modules: moduleMap, cpu: facts.cpu, threads: facts.threads, minor };
  const { python, gaps } = yield* readPythonMemory(process, open);
  const threads = facts.threads.map((thread, index) =>
    threadOf(thread, walks[index] ?? null, moduleMap),
  );
  const crashed = facts.threads.findIndex((thread) => thread.crashed);
  return {
    ...causeOf(facts, facts.threads[crashed], threads[crashed]),
    os: facts.os,
    cpu: facts.cpu,
    osVersion: facts.osVersion,
    process: facts.process,
    message: facts.message,
    annotations: facts.annotations,
    registers: registersOf(facts.threads[crashed]),
    threads,
    modules: moduleMap.rows(),
    python,
    gaps: [...facts.gaps, ...gaps, ...symbolGaps(threads, moduleMap)],
  };
}

function causeOf(
  { os, cpu, reason, maps }: DumpFacts,
  thread: DumpThread | undefined,
  walked: NativeThread | undefined,
): Pick<NativeCrash, "kind" | "reason" | "code" | "address" | "classification"> {
  if (reason === null) {
    return { kind: "dump", reason: null, code: null, address: null, classification: "snapshot" };
  }
  const fault = {
    os,
    cpu,
    reason: reason.reason,
    code: reason.code,
    address: reason.addressOf === null ? null : reason.address,
    pc: thread?.context?.pc ?? null,
    sp: thread?.context?.sp ?? null,
  };
  const frames = (walked?.activations ?? []).flatMap(({ frames: levels }) => levels);
  return {
    kind: os === "windows" ? "windows-exception" : "signal",
    reason: reason.reason,
    code: reason.code,
    address: hex(reason.address),
    classification: classifyFault(fault, maps, frames),
  };
}

const registersOf = (thread: DumpThread | undefined): Record<string, string> | null =>
  thread === undefined || thread.context === null
    ? null
    : Object.fromEntries(
        Object.entries(thread.context.named).map(([name, value]) => [name, hex(value)]),
      );

function threadOf(thread: DumpThread, walk: Walk | null, modules: ModuleMap): NativeThread {
  const { id, ident, name, crashed } = thread;
  const walked = walk?.frames ?? [];
  const gaps = walk === null ? [noRegisters] : walkGaps(walk);
  return {
    id: String(id),
    ident,
    name,
    crashed,
    activations: kept(walked).map((frame) => activationOf(frame, modules)),
    leftOutBefore: walked.length > MAX_REPORT_FRAMES ? MAX_REPORT_FRAMES / 2 : null,
    truncated: walk?.end !== "end-of-stack",
    gaps: keepGaps(gaps, MAX_GAPS_PER_THREAD),
  };
}

const noRegisters = gap("no-registers", "The dump holds no registers of the thread.");

/** Both ends of a stack that is longer than a report holds: where it died, and what it was doing. */
function kept<T>(frames: readonly T[]): readonly T[] {
  if (frames.length <= MAX_REPORT_FRAMES) return frames;
  const half = MAX_REPORT_FRAMES / 2;
  return [...frames.slice(0, half), ...frames.slice(-half)];
}

function walkGaps({ frames, end, gaps }: Walk): Gap[] {
  const found: Gap[] = gaps.map(({ code, detail }) => gap(code, sentence(detail)));
  if (frames.length > MAX_REPORT_FRAMES) {
    const left = frames.length - MAX_REPORT_FRAMES;
    const detail = `${left} frames from the middle of the ${frames.length} are left out (limit MAX_REPORT_FRAMES, ${MAX_REPORT_FRAMES}).`;
    found.push(gap("frames-left-out", detail));
  }
  const why = ends[end];
  return why === null ? found : [gap("stack-cut", why), ...found];
}

const ends: Readonly<Record<Walk["end"], string | null>> = {
  "end-of-stack": null,
  "no-caller": "No caller of the oldest frame was found: older frames may be missing.",
  "memory-missing":
    "The dump does not hold the stack below the oldest frame: older frames are missing.",
  "no-registers": "The dump holds neither instruction nor stack pointer of the thread.",
  limit: "The walk was ended by a limit: older frames are missing.",
};

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
