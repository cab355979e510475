/** What the worker counts and measures. README.md lists every name; a test holds it to that. */
import { Counter, Gauge, Histogram, Registry } from "@faultline/shared";

export interface Metrics {
  readonly registry: Registry;
  readonly crashes: Counter<"outcome">;
  readonly repeats: Counter;
  readonly failures: Counter<"reason">;
  readonly crashSeconds: Histogram;
  readonly repaired: Counter<"verdict">;
  readonly joinSeconds: Histogram;
  readonly attached: Counter;
  readonly batchSize: Histogram<"batch">;
  readonly threads: Gauge;
  readonly threadBusy: Counter;
  readonly fileLookups: Counter<"result">;
  readonly fileCacheBytes: Gauge;
  readonly symbolFiles: Counter<"state">;
  readonly nativeFilesRefused: Counter;
  readonly nativeBuilds: Counter<"state">;
  readonly nativeBuildSeconds: Histogram;
  readonly symbolCacheLookups: Counter<"result">;
  readonly symbolCacheBytes: Gauge;
  readonly swept: Counter;
  readonly upkeepSeconds: Histogram<"task">;
  readonly upkeepFailures: Counter<"task">;
  readonly jobErrors: Counter<"queue">;
}

const SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const BUILD_SECONDS = [0.05, 0.2, 1, 5, 20, 60, 300, 900];
const SIZES = [1, 2, 5, 10, 20, 50, 100];

/** A registry of its own, so that two workers in one process do not mix. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const named = <Label extends string>(name: string, help: string, labelNames: Label[]) => ({
    name: `faultline_symbolicator_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  const counter = <Label extends string = never>(name: string, help: string, ...labels: Label[]) =>
    new Counter<Label>(named(name, help, labels));
  const gauge = (name: string, help: string) => new Gauge(named(name, help, []));
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labels: Label[]
  ) => new Histogram<Label>({ ...named(name, help, labels), buckets });
  return {
    registry,
    crashes: counter("crashes_total", "Crashes saved, those of further dumps included", "outcome"),
    repeats: counter("repeats_total", "Jobs whose crash was saved already"),
    failures: counter("failures_total", "Crashes that could not be processed", "reason"),
    crashSeconds: histogram("crash_seconds", "Time from a job's start to its crash saved", SECONDS),
    repaired: counter("repaired_total", "Reports made anew with late symbols", "verdict"),
    joinSeconds: histogram("join_seconds", "Time of joining one project's crashes", SECONDS),
    attached: counter("attached_total", "Groups shown elsewhere than before by what crashes share"),
    batchSize: histogram("batch_size", "Crashes loaded or saved together", SIZES, "batch"),
    threads: gauge("threads", "Worker threads that may run at once"),
    threadBusy: counter("thread_busy_seconds_total", "Time that worker threads were at work"),
    fileLookups: counter("file_lookups_total", "Base names that a thread asked for", "result"),
    fileCacheBytes: gauge("file_cache_bytes", "Release files kept in memory"),
    symbolFiles: counter("symbol_files_total", "Symbol files turned into caches", "state"),
    nativeFilesRefused: counter("native_files_refused_total", "Native files that cannot be read"),
    nativeBuilds: counter("native_builds_total", "Builds of native modules' caches", "state"),
    nativeBuildSeconds: histogram(
      "native_build_seconds",
      "Time of one build of a native module's cache",
      BUILD_SECONDS,
    ),
    symbolCacheLookups: counter(
      "symbol_cache_lookups_total",
      "Symbol caches that crashes asked for",
      "result",
    ),
    symbolCacheBytes: gauge("symbol_cache_bytes", "Symbol caches kept in memory"),
    swept: counter("swept_total", "Waiting crashes whose jobs were added again"),
    upkeepSeconds: histogram("upkeep_seconds", "Time of one upkeep task", SECONDS, "task"),
    upkeepFailures: counter("upkeep_failures_total", "Upkeep tasks that failed", "task"),
    jobErrors: counter("job_errors_total", "Jobs that will be tried again", "queue"),
  };
}
