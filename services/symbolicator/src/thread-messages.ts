/**
 * What the main thread and the worker threads say to each other. All of it is cloned, but minidumps and the
 * contents of release files and symbol caches, which lie in shared memory: a hot one is not copied for every crash.
 */
import type {
  CrashInput,
  Gap,
  GroupSeed,
  KeyAnswer,
  LackedFiles,
  LackedModule,
  ModuleIdentity,
  PreviewResult,
  PythonFiles,
  RuleProblem,
  StoredSighting,
  Verdict,
} from "@faultline/shared";
import type { StoredSymbols } from "./native/symbol-caches.ts";

/** The thread stores 1 at index 0 when it begins: a task that never began did not fail by its own fault. */
export type StartMark = Int32Array<SharedArrayBuffer>;

/** A project's grouping rules; `key` is another one for another text. */
export interface RulesText {
  readonly key: string;
  readonly text: string;
}

/** Small crashes travel together: waking a thread costs about as much as a crash's report. */
export interface ReportsTask {
  readonly started: StartMark;
  readonly crashes: readonly CrashTask[];
}

export interface CrashTask {
  readonly input: CrashInput;
  /** "release id/symbols version": what the files are cached under. Null: the crash has no release files. */
  readonly release: string | null;
  /** Files that an earlier answer asked for, all of them. */
  readonly files: PythonFiles;
  /** Symbols of modules that earlier answers asked for, by module key. */
  readonly symbols: ReadonlyMap<string, StoredSymbols>;
  /** What the main thread had to leave out, to be kept with every report. */
  readonly gaps: readonly Gap[];
  readonly rules: RulesText | null;
  /** The reports that the crashes of the text have (zstd of their JSON), to be compared with; null the first time. */
  readonly before: readonly (Uint8Array | null)[] | null;
}

export interface FinishedReport {
  readonly group: GroupSeed | null;
  /** zstd of the report's JSON. */
  readonly report: Uint8Array;
  readonly lacks: FoundLacks;
  /** Beside the report that there was; null the first time. */
  readonly verdict: Verdict | null;
}

/** `Lacks`, with the state of what was stored for each module. */
export interface FoundLacks {
  readonly python: LackedFiles | null;
  readonly modules: readonly (LackedModule & Pick<StoredSymbols, "built">)[];
}

/** About one crash of a task; a task is answered with one a crash, in order. */
export type CrashAnswer =
  | { readonly kind: "reports"; readonly reports: readonly FinishedReport[] }
  /** The thread does not hold all of these: it wants the crash again with them. */
  | { readonly kind: "need-files"; readonly basenames: readonly string[] }
  | { readonly kind: "need-symbols"; readonly modules: readonly ModuleIdentity[] }
  | { readonly kind: "failed"; readonly message: string };

/** Reports to be grouped by other rules. */
export interface RegroupTask {
  readonly started: StartMark;
  /** zstd of their JSON. */
  readonly reports: readonly Uint8Array[];
  readonly rules: RulesText | null;
}

export type Regrouped = Pick<FinishedReport, "group" | "report">;

/** In the order of the reports: null for one that stays as it is. */
export type RegroupAnswer = readonly (Regrouped | null)[];

/** What a change of rules would do to these reports. */
export interface PreviewTask {
  readonly started: StartMark;
  /** zstd of their JSON, newest first. */
  readonly reports: readonly Uint8Array[];
  readonly before: string;
  readonly after: string;
}

export interface PreviewAnswer {
  readonly problems: readonly RuleProblem[];
  readonly result: PreviewResult;
}

/** Crashes to be joined with each other. */
export interface JoinTask {
  readonly started: StartMark;
  readonly sightings: readonly Pick<
    StoredSighting,
    "coarse" | "mid" | "pinned" | "evidence" | "count"
  >[];
}

/** One for every key. */
export type JoinAnswer = readonly KeyAnswer[];

export interface MapTask {
  readonly started: StartMark;
  /** A .pyc file. */
  readonly bytes: Uint8Array;
}

export type MapAnswer =
  | {
      readonly kind: "map";
      readonly map: Uint8Array;
      readonly version: number;
      readonly pythonVersion: string;
      readonly codeFilename: string;
    }
  | { readonly kind: "failed"; readonly message: string };
