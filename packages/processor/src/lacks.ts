/** What a finished report would be better with: Python files of its release, symbols of native modules. */
import type {
  Frame,
  LackedFiles,
  LackedModule,
  Lacks,
  Module,
  NativeFrame,
  Report,
  SymbolCaches,
} from "@faultline/shared";
import { hexValue } from "./hex.ts";
import { MAX_KNOWN_ORIGIN_CHARS, MAX_KNOWN_ORIGINS } from "./limits.ts";
import { type Origin, sourcePath } from "./python/paths.ts";

/** `symbols`: what was found for its modules, by `ModuleIdentity.key`. */
export function lacksOf(report: Report, symbols: SymbolCaches): Lacks {
  const frames = report.threads.flatMap(({ stack }) => stack);
  return { python: filesOf(report, frames), modules: modulesOf(report.modules, frames, symbols) };
}

/** Crash after crash has frames of the same files: reading their paths was most of the work. */
const origins = new Map<string, Origin>();

function originOf(file: string): Origin {
  const known = origins.get(file);
  if (known !== undefined) return known;
  const { origin } = sourcePath(file);
  if (file.length <= MAX_KNOWN_ORIGIN_CHARS) {
    if (origins.size >= MAX_KNOWN_ORIGINS) origins.clear();
    // a copy: a part of a text keeps the whole text
    origins.set(Buffer.from(file, "utf16le").toString("utf16le"), origin);
  }
  return origin;
}

/** Nobody uploads the standard library, and what lies in no file cannot be. */
function filesOf(report: Report, frames: readonly Frame[]): LackedFiles | null {
  const blamed = report.threads[report.crashingThread ?? -1];
  const blocking = new Set(blamed?.stack ?? frames);
  const files = { app: new Set<string>(), "site-packages": new Set<string>() };
  let lacking = false;
  for (const frame of frames) {
    if (frame.language !== "python" || frame.file === null || frame.role !== null) continue;
    if (frame.qualname !== null && frame.source !== null) continue;
    const origin = originOf(frame.file);
    if (origin !== "app" && origin !== "site-packages") continue;
    lacking = true;
    if (frame.qualname === null && blocking.has(frame)) files[origin].add(frame.file);
  }
  if (!lacking) return null;
  return { own: [...files.app].toSorted(), installed: [...files["site-packages"]].toSorted() };
}

function modulesOf(
  modules: readonly Module[],
  frames: readonly Frame[],
  symbols: SymbolCaches,
): LackedModule[] {
  const byName = Map.groupBy(modules, ({ name }) => name);
  const framesOf = new Map<Module, NativeFrame[]>();
  for (const frame of frames) {
    if (frame.language !== "native" || frame.module === null) continue;
    const module = moduleOf(frame, byName.get(frame.module) ?? []);
    if (module === undefined) continue;
    const known = framesOf.get(module);
    if (known === undefined) framesOf.set(module, [frame]);
    else known.push(frame);
  }
  const lacking = [...framesOf].filter(([module, its]) => isLacking(module, its, symbols));
  const identities = lacking.map(([{ name, buildId, debugId }]) => ({ name, buildId, debugId }));
  return identities.filter(({ buildId, debugId }) => buildId !== null || debugId !== null);
}

/** Two modules of one name are told apart by where they lie. */
function moduleOf({ pc, offset }: NativeFrame, named: readonly Module[]): Module | undefined {
  const [first, ...others] = named;
  if (others.length === 0) return first;
  const [address, distance] = [hexValue(pc), hexValue(offset)];
  if (address === null || distance === null) return first;
  return named.find(({ base }) => hexValue(base) === address - distance);
}

/**
 * A module whose every frame is without a line has no debug information; one whose symbols were found and still
 * leave something to say lacks a companion, or could not be read whole.
 */
function isLacking(
  { symbols: state, buildId, debugId }: Module,
  frames: readonly NativeFrame[],
  symbols: SymbolCaches,
): boolean {
  if (state !== "found" || frames.every(({ line }) => line === null)) return true;
  return (symbols.get(buildId ?? debugId ?? "")?.tried.length ?? 0) > 0;
}
