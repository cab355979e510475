/** Builds the cache of one module from the best of its files, while more is wanted of it; one worker at a time. */
import {
  claimNativeBuild,
  isNativeBuildWanted,
  loadModuleFiles,
  loadSplitFiles,
  loadSupplementaryFiles,
  LockSpace,
  refuseNativeCache,
  releaseNativeBuild,
  saveBuildProgress,
  saveNativeCache,
  withTryLock,
  type ClaimedBuild,
  type MissingFile,
  type NativeFile,
  type Pool,
  type UsedFile,
} from "@faultline/shared";
import { CACHE_VERSION } from "@faultline/debuginfo/cache";
import { CrashFailure, reasonText } from "../failure.ts";
import { MAX_MODULE_GAPS, PROGRESS_MS } from "../limits.ts";
import { BuilderDiedError, type Built, type Progress } from "./builder.ts";
import { best, chooseFiles, chooseSplit } from "./choose.ts";
import { checkAttempts, type NativeTools } from "./tools.ts";

/** Returns when the module's cache is up to date, or another worker builds it. Rejects when the fault is not the files' own. */
export async function buildModule(debugId: string, tools: NativeTools): Promise<void> {
  const { pool } = tools;
  for (;;) {
    const done = await withTryLock(pool, LockSpace.nativeBuild, debugId, async () => {
      for (let more = true; more;) more = await buildOnce(debugId, tools);
      return true;
    });
    // Somebody who wanted more and found the lock taken has gone by now: it is ours to look again.
    if (done === null || !(await isNativeBuildWanted(pool, debugId))) return;
  }
}

/** False when nothing was wanted. */
async function buildOnce(debugId: string, tools: NativeTools): Promise<boolean> {
  const { pool, metrics } = tools;
  const claim = await claimNativeBuild(pool, debugId);
  if (claim === null) return false;
  const begun = performance.now();
  try {
    checkAttempts(claim.attempts);
    await buildAndSave(debugId, claim, tools);
    metrics.nativeBuilds.inc({ state: "ready" });
  } catch (error) {
    if (!(error instanceof CrashFailure)) {
      if (!(error instanceof BuilderDiedError)) await releaseNativeBuild(pool, debugId);
      throw error;
    }
    metrics.nativeBuilds.inc({ state: "refused" });
    const { wanted } = claim;
    await refuseNativeCache(pool, debugId, wanted, reasonText(error.message), CACHE_VERSION);
  }
  metrics.nativeBuildSeconds.observe((performance.now() - begun) / 1000);
  return true;
}

async function buildAndSave(
  debugId: string,
  { wanted }: ClaimedBuild,
  tools: NativeTools,
): Promise<void> {
  const { pool, blobs } = tools;
  const set = await findSet(pool, debugId);
  const out = blobs.draft();
  const { used, built, gaps } = await buildBestOf(debugId, set, out, tools);
  const { blob, size } = await blobs.adopt(out);
  await saveNativeCache(pool, debugId, wanted, {
    buildId: built.buildId,
    name: moduleName(set.main),
    machine: built.machine,
    blob,
    size,
    cacheVersion: built.version,
    files: filesOf(used),
    missing: set.missing,
    gaps: atMost(MAX_MODULE_GAPS, [...gaps, ...built.gaps]),
  });
}

/** Files that a cache is built of. */
interface FileSet {
  readonly main: NativeFile;
  readonly debug: NativeFile | null;
  readonly supplementary: NativeFile | null;
  /** Hashes. */
  readonly split: readonly string[];
  readonly missing: readonly MissingFile[];
}

async function findSet(pool: Pool, debugId: string): Promise<FileSet> {
  const chosen = chooseFiles(await loadModuleFiles(pool, debugId));
  if (chosen === null) throw new CrashFailure("engine", "none of its files can be read");
  const { main, debug } = chosen;
  const carrier = debug ?? main;
  const missing = [...chosen.missing];
  const supplementary =
    carrier.altLinkBuildId === null
      ? null
      : best(await loadSupplementaryFiles(pool, carrier.altLinkBuildId));
  if (supplementary === null && carrier.altLinkBuildId !== null && carrier.hasDebugInfo) {
    missing.push({
      role: "supplementary",
      buildId: carrier.altLinkBuildId,
      file: carrier.altLink,
    });
  }
  const found = await loadSplitFiles(pool, carrier.sha256);
  const split = chooseSplit(found.wanted, found.files);
  if (split.missing > 0) {
    const file = `${split.missing} of ${found.wanted} units, in a .dwp or in .dwo files`;
    missing.push({ role: "split", buildId: null, file });
  }
  return { main, debug, supplementary, split: split.files.map(({ sha256 }) => sha256), missing };
}

interface BuiltOf {
  readonly used: FileSet;
  readonly built: Built;
  readonly gaps: readonly string[];
}

/** A companion that cannot be used must not take along what the object itself can answer: then it is built alone. */
async function buildBestOf(
  debugId: string,
  set: FileSet,
  out: string,
  tools: NativeTools,
): Promise<BuiltOf> {
  const progress = progressOf(debugId, tools.pool);
  try {
    return { used: set, built: await buildSet(set, out, tools, progress), gaps: [] };
  } catch (error) {
    const hasCompanions = filesOf(set).length > 1;
    if (!(error instanceof CrashFailure) || !hasCompanions) throw error;
    const used = { ...set, debug: null, supplementary: null, split: [] };
    const built = await buildSet(used, out, tools, progress);
    return { used, built, gaps: [`built without its companions: ${error.message}`] };
  }
}

const buildSet = (
  { main, debug, supplementary, split }: FileSet,
  out: string,
  { blobs, builder }: NativeTools,
  progress: Progress,
): Promise<Built> =>
  builder.build(
    {
      object: blobs.path(main.sha256),
      debug: debug && blobs.path(debug.sha256),
      supplementary: supplementary && blobs.path(supplementary.sha256),
      split: split.map((sha256) => blobs.path(sha256)),
    },
    out,
    progress,
  );

function filesOf({ main, debug, supplementary, split }: FileSet): readonly UsedFile[] {
  const files: UsedFile[] = [
    { sha256: main.sha256, role: main.kind === "breakpad" ? "breakpad" : mappedRole(main) },
  ];
  if (debug !== null) files.push({ sha256: debug.sha256, role: "debug" });
  if (supplementary !== null) files.push({ sha256: supplementary.sha256, role: "supplementary" });
  for (const sha256 of split) files.push({ sha256, role: "split" });
  return files;
}

const mappedRole = ({ kind }: NativeFile): "object" | "debug" =>
  kind === "object" ? "object" : "debug";

/** A row is no place for one a damaged unit: the cache itself tells them all. */
function atMost(most: number, gaps: readonly string[]): readonly string[] {
  const told = gaps.slice(0, most).map(reasonText);
  return gaps.length <= most ? told : [...told, `${gaps.length - most} more`];
}

/** What the module is called where it is mapped. */
const moduleName = ({ name }: NativeFile): string => name.replace(/\.(debug|dbg|sym)$/i, "");

/** Writes it down now and then; what cannot be written is no reason to stop. */
function progressOf(debugId: string, pool: Pool): Progress {
  let told = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS) return;
    told = now;
    saveBuildProgress(pool, debugId, done, total).catch(() => undefined);
  };
}
