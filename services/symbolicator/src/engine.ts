/** The pure engine as the worker sees it: bytes in, reports out, the work done by threads. */
import {
  createBatcher,
  PROCESS_HEAP_MIB,
  PROCESS_TIMEOUT_MS,
  type Batcher,
  type CrashInput,
  type Gap,
  type PendingCrash,
  type PythonFile,
} from "@faultline/shared";
import { CrashFailure } from "./failure.ts";
import {
  JOIN_TIMEOUT_MS,
  MAX_CRASHES_PER_TASK,
  MAX_NEED_ROUNDS,
  MAX_TASK_BYTES,
  PREVIEW_TIMEOUT_MS,
  TASK_TIMEOUT_MS,
} from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import type { StoredSymbols, SymbolCacheStore } from "./native/symbol-caches.ts";
import type { ReleaseFiles } from "./release-files.ts";
import type {
  CrashAnswer,
  CrashTask,
  FinishedReport,
  JoinAnswer,
  JoinTask,
  MapAnswer,
  PreviewAnswer,
  RegroupAnswer,
  RulesText,
} from "./thread-messages.ts";
import { openThreadPool, type ThreadPool } from "./thread-pool.ts";

/** All reject with CrashFailure for what is the input's own fault, with anything else for what is not. */
export interface Engine {
  /** The reports of one crash's text, at least one. */
  reports(work: CrashWork): Promise<readonly FinishedReport[]>;
  /** Reports (zstd of their JSON) by other rules, in order; null for one that stays as it is. */
  regroup(reports: readonly Uint8Array[], rules: RulesText | null): Promise<RegroupAnswer>;
  /** What rules in place of others would do to reports. */
  preview(reports: readonly Uint8Array[], before: string, after: string): Promise<PreviewAnswer>;
  /** Where the crashes of each key go, among these. */
  join(sightings: JoinTask["sightings"]): Promise<JoinAnswer>;
  /** The map of a .pyc file. */
  pycMap(bytes: Uint8Array): Promise<MapAnswer & { kind: "map" }>;
  /** Ends the threads. Nothing may be under way. */
  close(): Promise<void>;
}

export interface CrashWork {
  readonly input: CrashInput;
  readonly release: PendingCrash["release"];
  /** What was left out of the input already. */
  readonly gaps: readonly Gap[];
  readonly rules: RulesText | null;
  /** The reports that there are, when the crash is worked out anew: that never takes all threads. */
  readonly before: CrashTask["before"];
}

export interface EngineOptions {
  readonly threads: number;
  readonly files: ReleaseFiles;
  readonly symbolCaches: SymbolCacheStore;
  readonly metrics: Metrics;
  readonly onError: (error: Error) => void;
  /** The threads' code: "reports" and "pycMap" of thread.ts. */
  readonly code?: URL;
  readonly timeoutMs?: number;
  readonly heapMib?: number;
}

const threadCode = new URL("./thread.ts", import.meta.url);

export function openEngine(options: EngineOptions): Engine {
  const { files, symbolCaches, threads, timeoutMs = PROCESS_TIMEOUT_MS } = options;
  const pool = openThreadPool({ code: threadCode, heapMib: PROCESS_HEAP_MIB, ...options });
  const batcherOf = (lanes: number): Batcher<CrashTask, CrashAnswer | CrashFailure> =>
    createBatcher({
      most: MAX_CRASHES_PER_TASK,
      lanes,
      weigh: ({ input }) => (input.faulthandler?.length ?? 0) + (input.minidump?.length ?? 0),
      heaviest: MAX_TASK_BYTES,
      act: (crashes) => runTogether(pool, crashes, timeoutMs),
    });
  const first = batcherOf(threads);
  const anew = batcherOf(Math.max(1, threads - 1));
  return {
    async reports({ input, release, gaps: leftOut, rules, before }) {
      const batcher = before === null ? first : anew;
      const given = new Map<string, readonly PythonFile[]>();
      const symbols = new Map<string, StoredSymbols>();
      const gaps = [...leftOut];
      const key = release === null ? null : `${release.id}/${release.symbolsVersion}`;
      for (let round = 0; round < MAX_NEED_ROUNDS; round++) {
        const task = { input, release: key, files: given, symbols, gaps, rules, before };
        const answer = await batcher.add(task);
        if (answer instanceof CrashFailure) throw answer;
        if (answer.kind === "reports") return nonEmpty(answer.reports);
        if (answer.kind === "failed") {
          throw new CrashFailure("engine", `processing failed: ${answer.message}`);
        }
        if (answer.kind === "need-symbols") {
          const found = await symbolCaches.fetch(answer.modules);
          for (const { key: module } of answer.modules)
            symbols.set(module, found.get(module) ?? missing);
          continue;
        }
        if (release === null) break;
        const found = await files.find(release, answer.basenames);
        for (const [name, list] of found.files) given.set(name, list);
        gaps.push(...found.gaps);
      }
      const limit = `MAX_NEED_ROUNDS (${MAX_NEED_ROUNDS})`;
      throw new CrashFailure("engine", `processing asked for files again (${limit})`);
    },
    regroup: (stored, rules) => pool.run("regroup", { reports: stored, rules }, timeoutMs),
    preview: (stored, before, after) =>
      pool.run("preview", { reports: stored, before, after }, PREVIEW_TIMEOUT_MS),
    join: (sightings) => pool.run("join", { sightings }, JOIN_TIMEOUT_MS),
    async pycMap(bytes) {
      const answer = await pool.run("pycMap", { bytes }, timeoutMs);
      if (answer.kind === "map") return answer;
      throw new CrashFailure("engine", answer.message);
    },
    close: () => pool.close(),
  };
}

const missing: StoredSymbols = {
  state: "missing",
  cache: null,
  contentKey: "",
  tried: [],
  built: 0,
};

/** One answer a crash, in order. When one of them ends the thread, each runs alone: that shows which. */
async function runTogether(
  pool: ThreadPool,
  crashes: readonly CrashTask[],
  timeoutMs: number,
): Promise<readonly (CrashAnswer | CrashFailure)[]> {
  const ms = crashes.length === 1 ? timeoutMs : Math.min(timeoutMs, TASK_TIMEOUT_MS);
  try {
    return await pool.run("reports", { crashes }, ms);
  } catch (error) {
    if (!(error instanceof CrashFailure)) throw error;
    if (crashes.length === 1) return [error];
  }
  const alone = await Promise.all(crashes.map((crash) => runTogether(pool, [crash], timeoutMs)));
  return alone.flat();
}

/** A crash without a report would be neither processed nor failed, and gone. */
function nonEmpty(reports: readonly FinishedReport[]): readonly FinishedReport[] {
  if (reports.length > 0) return reports;
  throw new CrashFailure("engine", "processing made no report of this crash");
}
