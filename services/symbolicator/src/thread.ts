/**
 * A worker thread: runs the pure engine over hostile bytes, under the limits its owner (engine.ts) set.
 * It has no connection, file or environment; whatever it needs is in its task or it asks for it.
 */
import { hash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { openCache as openSymbolCache, type SymbolCache } from "@faultline/debuginfo/cache";
import {
  aliasKeys,
  buildReports,
  compareReports,
  groupCrash,
  groupings,
  lacksOf,
  parseProjectRules,
  previewRules,
  type ProjectRule,
  type Sighting,
  SIGHTING_VERSION,
} from "@faultline/processor";
import { buildPycMap, openPycMap, PYC_MAP_VERSION, type PycMap } from "@faultline/pyc";
import type {
  GroupSeed,
  ModuleSymbols,
  PythonFile,
  PythonFiles,
  Report,
  SightingSeed,
  Verdict,
} from "@faultline/shared";
import { createCache } from "./cache.ts";
import { answersOf } from "./joining/answers.ts";
import {
  MAX_LACKED_FILES,
  MAX_LACKED_MODULES,
  MAX_LACKED_PATH_CHARS,
  OPEN_MAP_CACHE_BYTES,
  OPEN_SYMBOL_CACHE_BYTES,
  PARSED_RULES_CACHE_BYTES,
  THREAD_FILE_CACHE_BYTES,
} from "./limits.ts";
import type {
  CrashAnswer,
  CrashTask,
  FinishedReport,
  FoundLacks,
  JoinAnswer,
  JoinTask,
  MapAnswer,
  MapTask,
  PreviewAnswer,
  PreviewTask,
  RegroupAnswer,
  RegroupTask,
  ReportsTask,
  RulesText,
} from "./thread-messages.ts";

const fileCache = createCache<readonly PythonFile[]>(THREAD_FILE_CACHE_BYTES);
const openCaches = createCache<SymbolCache>(OPEN_SYMBOL_CACHE_BYTES);
const openMaps = createCache<PycMap>(OPEN_MAP_CACHE_BYTES);

const parsedRules = createCache<readonly ProjectRule[]>(PARSED_RULES_CACHE_BYTES);
const rulesets = new Set(groupings.map(({ id }) => id));

export function reports({ started, crashes }: ReportsTask): readonly CrashAnswer[] {
  Atomics.store(started, 0, 1);
  return crashes.map(reportsOf);
}

/** One crash's bytes → its reports, or the files that are missing for them. */
function reportsOf(task: CrashTask): CrashAnswer {
  try {
    const engine = buildReports(task.input, { openMap, openCache });
    let step = engine.next();
    while (step.done !== true) {
      const need = step.value;
      if (need.need === "symbol-caches") {
        if (!need.modules.every(({ key }) => task.symbols.has(key)))
          return { kind: "need-symbols", modules: need.modules };
        step = engine.next(task.symbols);
      } else {
        const files = filesFor(task, need.basenames);
        if (files === null) return { kind: "need-files", basenames: need.basenames };
        step = engine.next(files);
      }
    }
    const finished = step.value.map((made, index) =>
      finish(task.rules === null ? made : grouped(made.report, task.rules), index, task),
    );
    return { kind: "reports", reports: finished };
  } catch (error) {
    return { kind: "failed", message: messageOf(error) };
  }
}

/** Reports by other rules. */
export function regroup({ started, reports: packed, rules }: RegroupTask): RegroupAnswer {
  Atomics.store(started, 0, 1);
  return packed.map((bytes) => {
    const before = unpack(bytes);
    const after = grouped({ ...before, grouping: null }, rules ?? noRules);
    if (JSON.stringify(after.report.grouping) === JSON.stringify(before.grouping)) return null;
    return { group: seedOf(after), report: pack(after.report) };
  });
}

/** What other rules would do to reports. Of each, only what grouping reads is kept: a thousand may be large. */
export function preview({ started, reports: packed, before, after }: PreviewTask): PreviewAnswer {
  Atomics.store(started, 0, 1);
  const inputs = packed.map((bytes) => {
    const { kind, reason, message, classification, crashingThread, threads } = unpack(bytes);
    const blamed = threads[crashingThread ?? -1];
    const stacks =
      blamed === undefined ? { crashingThread, threads } : { crashingThread: 0, threads: [blamed] };
    return { kind, reason, message, classification, ...stacks };
  });
  const { rules, problems } = parseProjectRules(after);
  const { crashes, touched, groupsBefore, groupsAfter, moves } = previewRules(
    inputs,
    parseProjectRules(before).rules,
    rules,
  );
  const result = { crashes, touched, groupsBefore, groupsAfter, moves };
  return { problems, result };
}

/** Where the crashes of each key go, among all others'. */
export function join({ started, sightings }: JoinTask): JoinAnswer {
  Atomics.store(started, 0, 1);
  return answersOf(
    sightings.map(({ coarse, mid, pinned, evidence, count }) => ({
      sighting: { coarse, mid, pinned, evidence: JSON.parse(evidence) as Sighting["evidence"] },
      times: count,
    })),
  );
}

/** A .pyc → its map. */
export function pycMap(task: MapTask): MapAnswer {
  Atomics.store(task.started, 0, 1);
  try {
    const map = buildPycMap(task.bytes);
    const { pythonVersion, filename } = openPycMap(map);
    return {
      kind: "map",
      map,
      version: PYC_MAP_VERSION,
      pythonVersion,
      codeFilename: storable(filename),
    };
  } catch (error) {
    return { kind: "failed", message: messageOf(error) };
  }
}

/** Null when any of the names must be asked for. */
function filesFor(task: CrashTask, basenames: readonly string[]): PythonFiles | null {
  const files = new Map<string, readonly PythonFile[]>();
  for (const name of basenames) {
    const found = task.release === null ? [] : known(task, `${task.release}/${name}`, name);
    if (found === undefined) return null;
    files.set(name, found);
  }
  return files;
}

function known(task: CrashTask, key: string, name: string): readonly PythonFile[] | undefined {
  const given = task.files.get(name);
  if (given === undefined) return fileCache.get(key);
  const bytes = given.reduce(
    (sum, { map, source }) => sum + (map?.length ?? 0) + (source?.length ?? 0),
    0,
  );
  fileCache.set(key, given, bytes);
  return given;
}

function openCache(symbols: ModuleSymbols): SymbolCache {
  const open = openCaches.get(symbols.contentKey);
  if (open !== undefined) return open;
  const bytes = symbols.cache ?? new Uint8Array();
  const cache = openSymbolCache(bytes);
  openCaches.set(symbols.contentKey, cache, bytes.length);
  return cache;
}

function openMap(file: PythonFile): PycMap {
  const open = openMaps.get(file.key);
  if (open !== undefined) return open;
  const bytes = file.map ?? new Uint8Array();
  const map = openPycMap(bytes);
  openMaps.set(file.key, map, bytes.length);
  return map;
}

/** A report with its group, and what joins it with others. */
interface Grouped {
  readonly report: Report;
  readonly sighting: Sighting;
}

const noRules: RulesText = { key: "", text: "" };

function grouped(report: Report, rules: RulesText): Grouped {
  const { grouping, sighting } = groupCrash(report, { rules: parsed(rules) });
  return { report: { ...report, grouping }, sighting };
}

function parsed({ key, text }: RulesText): readonly ProjectRule[] {
  const kept = parsedRules.get(key);
  if (kept !== undefined) return kept;
  const { rules } = parseProjectRules(text);
  parsedRules.set(key, rules, text.length * 10);
  return rules;
}

// zlib answers with a view of a larger buffer, and cloning would take all of that along
const pack = (report: Report): Uint8Array =>
  new Uint8Array(zstdCompressSync(JSON.stringify(report)));
const unpack = (bytes: Uint8Array): Report =>
  JSON.parse(zstdDecompressSync(bytes).toString()) as Report;

function finish(
  { report: built, sighting }: Grouped,
  index: number,
  task: CrashTask,
): FinishedReport {
  const report = task.gaps.length === 0 ? built : { ...built, gaps: [...built.gaps, ...task.gaps] };
  const packed = pack(report);
  return {
    group: seedOf({ report, sighting }),
    report: packed,
    lacks: foundLacks(report, task),
    verdict: task.before === null ? null : verdictOn(packed, report, task.before[index] ?? null),
  };
}

/** The same bytes are the same report; most crashes of a release that got one more file end here. */
function verdictOn(packed: Uint8Array, report: Report, before: Uint8Array | null): Verdict {
  if (before === null) return "better";
  if (Buffer.compare(packed, before) === 0) return "same";
  return compareReports(unpack(before), report);
}

function foundLacks(report: Report, { symbols }: CrashTask): FoundLacks {
  const { python, modules } = lacksOf(report, symbols);
  const files = (paths: readonly string[]): string[] =>
    paths
      .filter((path) => path.length <= MAX_LACKED_PATH_CHARS)
      .slice(0, MAX_LACKED_FILES)
      .map(storable);
  return {
    python: python && { own: files(python.own), installed: files(python.installed) },
    modules: modules.slice(0, MAX_LACKED_MODULES).map(({ name, buildId, debugId }) => ({
      name: storable(name),
      buildId,
      debugId,
      built: symbols.get(buildId ?? debugId ?? "")?.built ?? 0,
    })),
  };
}

function seedOf({ report, sighting }: Grouped): GroupSeed | null {
  const { grouping, kind, classification } = report;
  if (grouping === null) return null;
  return {
    ruleset: grouping.ruleset,
    coarse: grouping.coarse,
    mid: grouping.group,
    link: grouping.link,
    sighting: sightingSeed(grouping.ruleset, grouping.link, sighting),
    earlier: aliasKeys(report, rulesets),
    title: storable(grouping.title),
    culprit: grouping.culprit === null ? null : storable(grouping.culprit),
    kind,
    classification,
    confidence: grouping.confidence,
  };
}

function sightingSeed(
  ruleset: string,
  link: string | null,
  { coarse, mid, pinned, evidence: told }: Sighting,
): SightingSeed {
  const evidence = JSON.stringify(told);
  const version = SIGHTING_VERSION;
  const all = [ruleset, version, coarse, mid, link, pinned, evidence].join(" ");
  return { hash: hash("sha256", all, "hex").slice(0, HASH_DIGITS), pinned, evidence, version };
}
const HASH_DIGITS = 32;

/** Postgres keeps neither NUL nor half a surrogate pair in its text. */
const storable = (text: string): string => text.replaceAll("\0", "\u{fffd}").toWellFormed();

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `${error.name}${code}: ${error.message}`;
}
