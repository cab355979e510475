/**
 * One crash, top to bottom: bytes → dumps → crashes → stacks → threads → cause → group.
 *
 * Pure: asks for the Python files and the symbol caches it needs and is handed them; opens nothing, knows no time.
 */
import {
  type CStack,
  type Dump,
  type ParsedText,
  parseFaulthandler,
  type TextFrame,
} from "@faultline/faulthandler";
import { openPycMap } from "@faultline/pyc";
import type { CrashInput, CrashMetadata, Gap, PythonFile } from "@faultline/shared";
import { exceptionCrash } from "./exception-crash.ts";
import { crashesOf, type TextCrash } from "./crashes.ts";
import { gap } from "./gaps.ts";
import { joinParts, sameCrash } from "./join.ts";
import { MAX_FILES_ASKED } from "./limits.ts";
import { mappedModules } from "./mapped-modules.ts";
import { ModuleMap, type OpenSymbolCache, openSymbolCache } from "./native/modules.ts";
import { type NativeCrash, nativeCrash } from "./native/native-crash.ts";
import { nativeOnly, nativeParts } from "./native-parts.ts";
import { type Asking, askPythonFiles } from "./needs.ts";
import {
  type Evidence,
  finished,
  type FinishedCrash,
  nothingKnown,
  type ReportParts,
} from "./parts.ts";
import { minorOf, pythonSaid } from "./platform.ts";
import { neededFiles } from "./python/needed-files.ts";
import { SourcePaths } from "./python/paths.ts";
import { type OpenMap, ReleaseFiles } from "./python/release-files.ts";
import { threadsInMemory } from "./stitch/memory-threads.ts";
import { type Reconciled, reconcile } from "./stitch/reconcile.ts";
import { textParts } from "./text-parts.ts";
import { blamedThread } from "./threads.ts";

export interface ProcessedCrash extends FinishedCrash {
  /** Bytes [start, end) of the text that this crash came from; null when no text came. */
  readonly span: readonly [number, number] | null;
}

/** Ways to open what was handed over, so that the caller can keep what is open by its content. */
export interface Openers {
  readonly openMap?: OpenMap;
  readonly openCache?: OpenSymbolCache;
}

/**
 * The crashes of one text: the one that the minidump is of, then the others in text order. At least one, which says so when
 * nothing holds a dump.
 *
 * Asks for symbol caches while it walks stacks, then at most once for the release's Python files. What an opener throws
 * becomes a gap. Never throws for any input.
 */
export function* buildReports(input: CrashInput, openers: Openers = {}): Asking<ProcessedCrash[]> {
  const { faulthandler, metadata } = input;
  const { native, refused } = yield* readMinidump(input, openers.openCache);
  const parsed = faulthandler === null ? noText : parseFaulthandler(faulthandler);
  const crashes = crashesIn(parsed, native === null ? faulthandler : null);
  if (crashes.length === 0) {
    const gaps = [...(native === null ? parsed.gaps : []), ...refused];
    const parts =
      native === null ? unknownCrash(metadata) : yield* dumpAlone(native, input, openers);
    const span = faulthandler === null ? null : ([0, faulthandler.length] as const);
    return [{ ...finished({ ...parts, gaps: [...gaps, ...parts.gaps] }), span }];
  }
  const same = native === null ? 0 : sameCrash(crashes, native);
  const [first, ...others] = [...crashes.slice(same, same + 1), ...crashes.toSpliced(same, 1)];
  const joined = native === null ? noMemory(first!) : reconcile(first!, native);
  const ordered = [joined.crash, ...others];
  const dumps = ordered.map(({ dump }) => dump);
  const mapped = yield* mappedModules(
    metadata,
    cStacksOf(dumps, native),
    openers.openCache ?? openSymbolCache,
  );
  const gaps = [...(crashes[0]?.raised === null ? parsed.gaps : []), ...refused];
  const evidence = yield* gather(stacksByImportance(dumps), { metadata, mapped, gaps }, openers);
  return ordered.map((crash, index) => {
    const text = textParts(crash, evidence);
    const whole =
      native === null || index > 0
        ? text.parts
        : joinParts(text, nativeOnly(native, metadata), native, joined.sides);
    return { ...finished(whole), span: crash.span };
  });
}

/** Those of the text's dumps; of a text without any, when nothing else tells of a death, the exception that it tells of. */
function crashesIn({ dumps }: ParsedText, alone: Uint8Array | null): readonly TextCrash[] {
  const crashes = crashesOf(dumps);
  if (crashes.length > 0 || alone === null) return crashes;
  const raised = exceptionCrash(alone);
  return raised === null ? [] : [raised];
}

/** Asks for the Python files that frames in memory name. */
function* dumpAlone(
  native: NativeCrash,
  { metadata }: CrashInput,
  openers: Openers,
): Asking<ReportParts> {
  const { threads } = threadsInMemory(native);
  const stacks = stacksByImportance([{ threads, kind: "dump", threadsTruncated: false }]);
  const upload = { metadata, mapped: new ModuleMap([]), gaps: [] };
  return nativeParts(native, yield* gather(stacks, upload, openers));
}

/** C stacks of texts alone: of the crash that a minidump is of, its walk tells more. */
const cStacksOf = (dumps: readonly Dump[], native: NativeCrash | null): CStack[] =>
  dumps
    .slice(native === null ? 0 : 1)
    .map(({ cStack }) => cStack)
    .filter((stack) => stack !== null);

const noMemory = (crash: TextCrash): Reconciled => ({ crash, sides: new Map() });

/** As the parser says it of a text without a dump. */
const noText: ParsedText = {
  dumps: [],
  gaps: [
    {
      code: "no-dump",
      detail:
        "No faulthandler dump came: was faulthandler.enable() called, and what it wrote kept?",
    },
  ],
};

function* readMinidump(
  { minidump, metadata }: CrashInput,
  open: OpenSymbolCache = openSymbolCache,
): Asking<{ native: NativeCrash | null; refused: readonly Gap[] }> {
  if (minidump === null) return { native: null, refused: [] };
  const found = yield* nativeCrash(minidump, open, minorOf(pythonSaid(metadata)));
  return "threads" in found ? { native: found, refused: [] } : { native: null, refused: [found] };
}

/** Asks for the Python files that the frames of `stacks` name. */
function* gather(
  stacks: Iterable<readonly TextFrame[]>,
  upload: Omit<Evidence, "release">,
  { openMap = openMapOf }: Openers,
): Asking<Evidence> {
  const paths = new SourcePaths();
  const { request, left } = neededFiles(stacks, paths);
  const files = request.basenames.length > 0 ? yield* askPythonFiles(request) : new Map();
  const release = new ReleaseFiles(files, openMap, paths);
  return { ...upload, release, gaps: left > 0 ? [...upload.gaps, askedCut(left)] : upload.gaps };
}

const unknownCrash = (metadata: CrashMetadata): ReportParts => ({
  ...nothingKnown,
  python: pythonSaid(metadata),
});

function openMapOf({ map, path }: PythonFile): ReturnType<OpenMap> {
  if (map === null) throw new TypeError(`${path}: no map to open`);
  return openPycMap(map);
}

/** Blamed threads first: their files are asked for before those of bystanders. */
function* stacksByImportance(
  dumps: readonly Pick<Dump, "threads" | "threadsTruncated" | "kind">[],
): Generator<readonly TextFrame[]> {
  for (const dump of dumps) yield dump.threads[blamedThread(dump) ?? -1]?.frames ?? [];
  for (const dump of dumps) for (const { frames } of dump.threads) yield frames;
}

const askedCut = (left: number): Gap =>
  gap(
    "files-asked-cut",
    `${left} more file names were not looked up (limit ${MAX_FILES_ASKED} a text).`,
  );
