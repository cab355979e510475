/**
 * Worker threads with limits on time and memory: what a hostile file can cost is one thread for a few
 * seconds. Threads start when there is work and end when there is none.
 */
import { Piscina } from "piscina";
import { CrashFailure } from "./failure.ts";
import { createGate } from "./gate.ts";
import { THREAD_IDLE_MS, THREAD_START_MS } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import type {
  CrashAnswer,
  JoinAnswer,
  JoinTask,
  MapAnswer,
  MapTask,
  PreviewAnswer,
  PreviewTask,
  RegroupAnswer,
  RegroupTask,
  ReportsTask,
  StartMark,
} from "./thread-messages.ts";

/** What the threads' code exports, and what it takes and gives. */
interface Tasks {
  readonly reports: { readonly takes: ReportsTask; readonly gives: readonly CrashAnswer[] };
  readonly pycMap: { readonly takes: MapTask; readonly gives: MapAnswer };
  readonly regroup: { readonly takes: RegroupTask; readonly gives: RegroupAnswer };
  readonly join: { readonly takes: JoinTask; readonly gives: JoinAnswer };
  readonly preview: { readonly takes: PreviewTask; readonly gives: PreviewAnswer };
}

export interface ThreadPool {
  /**
   * Runs one task on a thread that does nothing else, for at most `ms`. Rejects with CrashFailure when
   * the task ended its thread, with anything else when it never began.
   */
  run<Name extends keyof Tasks>(
    name: Name,
    task: Omit<Tasks[Name]["takes"], "started">,
    ms: number,
  ): Promise<Tasks[Name]["gives"]>;
  /** Nothing may be under way. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  readonly threads: number;
  readonly heapMib: number;
  readonly metrics: Metrics;
  readonly onError: (error: Error) => void;
  readonly code: URL;
}

export function openThreadPool(options: ThreadOptions): ThreadPool {
  const { threads, heapMib, metrics } = options;
  const pool = new Piscina({
    filename: options.code.href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: THREAD_IDLE_MS,
    resourceLimits: { maxOldGenerationSizeMb: heapMib, maxYoungGenerationSizeMb: YOUNG_MIB },
    env: {},
    recordTiming: false,
  });
  // A task never waits inside the pool: a pool whose last thread died does not start another for what
  // waits (seen with piscina 5.3, minThreads 0).
  const gate = createGate(threads);
  const watches = new Set<Watch>();
  pool.on("error", (error: Error) => {
    options.onError(error); // a thread that ended without a task: it may be one that could not start
    for (const watch of watches) if (!watch.hasBegun()) watch.abort();
  });
  let closing = false;
  return {
    run: (name, task, ms) =>
      gate.run(1, async () => {
        const watch = startWatch(ms);
        const begun = performance.now();
        watches.add(watch);
        try {
          return await pool.run({ ...task, started: watch.mark }, { name, signal: watch.signal });
        } catch (error) {
          if (closing || !watch.hasBegun()) throw error;
          throw failureOf(error, heapMib, watch.signal.aborted ? ms : null);
        } finally {
          watch.stop();
          watches.delete(watch);
          metrics.threadBusy.inc((performance.now() - begun) / 1000);
        }
      }),
    async close() {
      closing = true;
      await pool.destroy();
    },
  };
}

/** Room for short-lived objects: more saves collections, and every thread pays for it. */
const YOUNG_MIB = 32;

interface Watch {
  readonly mark: StartMark;
  readonly signal: AbortSignal;
  hasBegun(): boolean;
  abort(): void;
  stop(): void;
}

/** Aborts a task `ms` after its thread began it, or a moment later; the start of a thread is not its time. */
function startWatch(ms: number): Watch {
  const mark = new Int32Array(new SharedArrayBuffer(4));
  const aborter = new AbortController();
  const hasBegun = (): boolean => Atomics.load(mark, 0) === 1;
  const hopeUntil = performance.now() + THREAD_START_MS;
  let timer = setTimeout(look, ms);
  function look(): void {
    if (hasBegun() || performance.now() > hopeUntil) aborter.abort();
    else timer = setTimeout(look, ms);
  }
  return {
    mark,
    signal: aborter.signal,
    hasBegun,
    abort: () => aborter.abort(),
    stop: () => clearTimeout(timer),
  };
}

function failureOf(error: unknown, heapMib: number, timedOutMs: number | null): CrashFailure {
  const cause = error instanceof Error ? error : new Error(String(error));
  if (timedOutMs !== null) {
    const message = `processing took longer than PROCESS_TIMEOUT_MS (${timedOutMs} ms)`;
    return new CrashFailure("timeout", message, { cause });
  }
  if ("code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY") {
    const message = `processing needed more memory than PROCESS_HEAP_MIB (${heapMib} MiB)`;
    return new CrashFailure("memory", message, { cause });
  }
  return new CrashFailure("engine", `the thread ended while processing: ${cause.message}`, {
    cause,
  });
}
