/** What is known of one file that frames name, and the gaps its frames leave. */
import type { TextFrame } from "@faultline/faulthandler";
import type { Gap } from "@faultline/shared";
import { counted, gap, listed } from "../gaps.ts";
import { MAX_FILES_WITH_GAP, MAX_MAPS_PER_FILE } from "../limits.ts";
import {
  inAppByPath,
  moduleByPath,
  moduleInRelease,
  sourcePath,
  type SourcePath,
} from "./paths.ts";
import { agreed, type FoundCode } from "./code-objects.ts";
import type { FileMatch, ReleaseFiles } from "./release-files.ts";

/** A file of the crash. The counts and sets grow as its frames are resolved. */
export interface KnownFile {
  readonly path: SourcePath;
  /** CPython cut the name to 500 characters, so its end is not known. */
  readonly nameCut: boolean;
  readonly match: FileMatch | null;
  readonly module: string | null;
  readonly inApp: boolean | null;
  frames: number;
  /** Of these, frames whose name and place memory tells. */
  inMemory: number;
  found: number;
  /** Frames whose name the file has, but not at their line; and those whose name it has not. */
  readonly lineDiffers: Set<string>;
  readonly nameMissing: Set<string>;
  readonly ambiguous: Set<string>;
  readonly corrupt: Set<string>;
  readonly unknownEncodings: Set<string>;
}

export function knownFile(file: string, frame: TextFrame, release: ReleaseFiles): KnownFile {
  const path = release.paths.read(file);
  const nameCut = frame.fileTruncated === true;
  const raw = frame.fileRaw === undefined ? null : sourcePath(frame.fileRaw);
  const match = nameCut ? null : release.match(path, raw);
  const strong = match !== null && !match.weak ? match.paths : [];
  const shown = nameCut ? null : moduleByPath(path);
  return {
    path,
    nameCut,
    match,
    module: shown ?? agreed(strong.map(moduleInRelease)),
    inApp: inAppByPath(path) === true && isInstalled(strong) ? false : inAppByPath(path),
    frames: 0,
    inMemory: 0,
    found: 0,
    lineDiffers: new Set(),
    nameMissing: new Set(),
    ambiguous: new Set(),
    corrupt: new Set(match?.corrupt),
    unknownEncodings: new Set(),
  };
}

/** The release holds the file below site-packages: a dependency, wherever it is deployed. */
const isInstalled = (paths: readonly SourcePath[]): boolean =>
  paths.length > 0 && paths.every(({ origin }) => origin === "site-packages");

/** Module of the code objects' own files: what a file matched by its base name alone is told from. */
export const moduleOfCodes = (codes: readonly FoundCode[]): string | null =>
  agreed(codes.map(({ opened }) => moduleInRelease(opened.path)));

/** How a frame is named in a gap: "run (line 42)". */
export const frameLabel = (frame: TextFrame): string =>
  `${frame.name ?? "???"} (line ${frame.line ?? "???"})`;

/** Gaps of all files of a crash, its own code's first. `release`: null when the crash names none. */
export function fileGaps(
  files: Iterable<KnownFile>,
  release: string | null,
  releaseIsEmpty: boolean,
): Gap[] {
  const all = [...files].toSorted((a, b) => Number(b.inApp === true) - Number(a.inApp === true));
  const gaps = all.flatMap(gapsOfFile);
  const without = all.filter((file) => isWithoutMap(file));
  if (release === null && releaseIsEmpty && without.length > 0)
    return [...gaps, noRelease(without)];
  return [...gaps, ...noMaps(without, release)];
}

function gapsOfFile(file: KnownFile): Gap[] {
  const gaps: Gap[] = [];
  const { path, match } = file;
  const weak = match?.weak === true;
  const uploaded = listed(new Set(match?.paths.map(({ text }) => text)));
  const stale = weak ? [...file.lineDiffers] : [...file.lineDiffers, ...file.nameMissing];
  if (stale.length > 0) {
    const doubt = weak ? "may be another file of that name" : "is not the one that ran";
    const detail = `${path.text}: the uploaded ${uploaded} ${doubt}: it does not hold ${listed(stale)}. Upload the files that are deployed.`;
    gaps.push(gap("stale-map", detail));
  }
  if (weak && file.found > 0) {
    const detail = `${path.text}: matched to the uploaded ${uploaded} by base name, function and line alone; the folders differ.`;
    gaps.push(gap("weak-match", detail));
  }
  for (const label of file.ambiguous) {
    gaps.push(gap("ambiguous", `${path.text}: ${label}. Only what they agree on is shown.`));
  }
  for (const problem of file.corrupt) {
    gaps.push(gap("corrupt-map", `The map of ${problem}. Upload the .pyc again.`));
  }
  for (const encoding of file.unknownEncodings) {
    const detail = `${path.text}: the source's encoding "${encoding}" is not known here, so no lines are shown.`;
    gaps.push(gap("no-source-encoding", detail));
  }
  if (file.nameCut) {
    const detail = `CPython cut a file name to 500 characters, so its ${counted(file.frames, "frame")} cannot be looked up: ${path.text}`;
    gaps.push(gap("file-name-cut", detail));
  }
  if (match !== null && match.left > 0) {
    const detail = `${path.text}: ${match.left} more files of the release fit as well and were not opened (limit ${MAX_MAPS_PER_FILE}).`;
    gaps.push(gap("ambiguous", detail));
  }
  return gaps;
}

/** Files on disk that no readable map answers for. */
function isWithoutMap(file: KnownFile): boolean {
  if (file.nameCut || file.path.origin === "frozen" || file.path.origin === "synthetic")
    return false;
  if (file.match === null) return true;
  if (file.match.maps.length === 0) return file.corrupt.size === 0;
  return (
    file.match.weak && file.found === 0 && file.lineDiffers.size === 0 && file.nameMissing.size > 0
  );
}

function noRelease(files: readonly KnownFile[]): Gap {
  const frames = files.reduce((sum, file) => sum + file.frames, 0);
  const printed = frames - files.reduce((sum, file) => sum + file.inMemory, 0);
  const unknown = printed > 0 ? "qualified names and columns" : "arguments and source lines";
  return gap(
    "no-release",
    `The crash names no release, so its ${counted(frames, "frame")} could not be looked up: ${unknown} are not known. Send "release" with the crash and upload that release's .pyc files.`,
  );
}

/**
 * One gap for each file of the application; installed packages share one, and the standard library
 * has none: everybody can look there, nobody uploads it.
 */
function noMaps(files: readonly KnownFile[], release: string | null): Gap[] {
  const where = release === null ? "among the given files" : `in release ${release}`;
  const own = files.filter(({ path }) => path.origin === "app");
  const gaps = own.slice(0, MAX_FILES_WITH_GAP).map((file) => {
    const uploaded = file.match === null ? "no file" : "no compiled file";
    const detail = `${file.path.text}: ${uploaded} for it ${where} (${counted(file.frames, "frame")}).`;
    return gap("no-map", detail);
  });
  const rest = own.slice(MAX_FILES_WITH_GAP);
  if (rest.length > 0) {
    const names = listed(rest.map(({ path }) => path.text));
    gaps.push(gap("no-map", `${rest.length} more files have no compiled file ${where}: ${names}.`));
  }
  const installed = files.filter(({ path }) => path.origin === "site-packages");
  if (installed.length > 0) {
    const names = listed(new Set(installed.map(packageName)));
    const frames = installed.reduce((sum, file) => sum + file.frames, 0);
    const detail = `${counted(frames, "frame")} of installed packages have no compiled file ${where}: ${names}.`;
    gaps.push(gap("no-map", detail));
  }
  return gaps;
}

const packageName = (file: KnownFile): string =>
  (file.module ?? file.path.text).split(".")[0] ?? file.path.text;
