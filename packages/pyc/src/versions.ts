/**
 * Magic numbers: which CPython wrote a `.pyc`, and how.
 *
 * Lib/importlib/_bootstrap_external.py (3.4–3.13), Python/import.c (3.0–3.3),
 * Include/internal/pycore_magic_number.h (3.14+).
 * Not read: pre-releases whose layout the final release changed, PyPy, Python 2.
 */
import { PycError } from "./error.ts";

/** One minor version of CPython 3. */
export interface PythonVersion {
  readonly minor: number;
  /** "3.12" */
  readonly name: string;
  /** Magic numbers that share the layout of the release; pre-releases before `first` have another. */
  readonly first: number;
  readonly last: number;
  /** The magic number of the release: from here on opcodes have their final numbers. */
  readonly release: number;
  /** In bytes, the magic number included. */
  readonly headerSize: 8 | 12 | 16;
}

const version = (
  minor: number,
  headerSize: 8 | 12 | 16,
  first: number,
  release: number,
  last = release,
): PythonVersion => ({ minor, name: `3.${minor}`, first, last, release, headerSize });

/** Oldest first. From 3.11 on a version owns 50 numbers. */
const versions: readonly PythonVersion[] = [
  version(0, 8, 3000, 3131),
  version(1, 8, 3140, 3151),
  version(2, 8, 3160, 3180),
  version(3, 12, 3190, 3230),
  version(4, 12, 3250, 3310),
  version(5, 12, 3320, 3350, 3351), // 3351 since 3.5.3
  version(6, 12, 3370, 3379), // 3370: word code
  version(7, 16, 3392, 3394), // 3392: PEP 552 header
  version(8, 16, 3410, 3413), // 3410: positional-only arguments
  version(9, 16, 3420, 3425),
  version(10, 16, 3438, 3439), // 3438: the line table of PEP 626, final form
  version(11, 16, 3494, 3495, 3499), // 3494: location table, final form
  version(12, 16, 3500, 3531, 3549),
  version(13, 16, 3550, 3571, 3599),
  version(14, 16, 3600, 3627, 3649),
  version(15, 16, 3650, 3666, 3699),
];

const python2 = new Set([
  20121, 50428, 50823, 60202, 60717, 62011, 62021, 62031, 62041, 62051, 62061, 62071, 62081, 62091,
  62092, 62101, 62111, 62121, 62131, 62151, 62161, 62171, 62181, 62191, 62201, 62211,
]);

const owner = (magic: number): PythonVersion | undefined =>
  versions.find(({ first, last }) => magic >= first && magic <= last);

/** The version that owns `magic`; PycError `bad-magic` or `unsupported-version` when none known here does. */
export function versionOfMagic(magic: number): PythonVersion {
  const found = owner(magic);
  if (found !== undefined) return found;
  if (python2.has(magic)) throw unsupported(magic, "Python 2");
  const next = versions.at(-1)?.last ?? 0;
  if (magic > next && magic < next + 500) {
    throw unsupported(magic, `CPython 3.${Math.floor((magic - 2900) / 50)}, newer than 3.15`);
  }
  const after = versions.find(({ first }) => magic < first);
  if (after !== undefined && magic >= 3000) {
    throw unsupported(magic, `a pre-release of CPython ${after.name}`);
  }
  throw new PycError("bad-magic", 0, `magic number ${magic}: no CPython 3 has it; found`);
}

const unsupported = (magic: number, who: string): PycError =>
  new PycError("unsupported-version", 0, `magic number ${magic}: ${who}, not read here; found`);

/** Of "\r\n", which follows the magic number so that text-mode copies show. */
const CRLF = 0x0a0d;

/**
 * The cheap check at the door: who compiled the file that begins with `start` (4 bytes are enough),
 * null when it is no `.pyc` that `readPyc` reads.
 */
export function identifyPyc(
  start: Uint8Array,
): { readonly pythonVersion: string; readonly headerSize: number } | null {
  const [low = 0, high = 0, cr = 0, lf = 0] = start;
  if ((cr | (lf << 8)) !== CRLF) return null;
  const found = owner(low | (high << 8));
  return found === undefined ? null : { pythonVersion: found.name, headerSize: found.headerSize };
}
