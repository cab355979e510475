/** ModuleListStream: what was mapped, with what identifies it (minidumpapiset.h, MINIDUMP_MODULE_LIST). */
import { array, type ByteOrder, bytes, type Fields, struct, u32, u64 } from "@faultline/bytes";
import { type CodeView, readCodeView } from "../code-view.ts";
import { attempt, MinidumpError } from "../error.ts";
import type { DumpFile } from "../file.ts";
import { MAX_MODULES } from "../limits.ts";
import { debugIdOf, guidDigits, hexOf, peCodeId } from "../module-ids.ts";
import type { Platform } from "../platform.ts";
import { Location, nested } from "../records.ts";
import { readList, type Stream } from "../stream.ts";

const MinidumpModule = struct("MINIDUMP_MODULE", {
  baseOfImage: u64,
  sizeOfImage: u32,
  checkSum: u32,
  timeDateStamp: u32,
  moduleNameRva: u32,
  versionInfo: array(13, u32), // VS_FIXEDFILEINFO
  cvRecord: nested(Location),
  miscRecord: nested(Location),
  reserved: bytes(16),
});

export interface Module {
  /** The last part of `codeFile`. */
  readonly name: string;
  readonly codeFile: string;
  readonly base: bigint;
  /** Bytes from `base` on. */
  readonly size: number;
  /** Hex, of ELF: all of the build id. Null where the dump does not hold it in full. */
  readonly buildId: string | null;
  /** ELF: the build id. PE: time stamp and size. Mach-O: the UUID. */
  readonly codeId: string | null;
  /** As Breakpad writes it. */
  readonly debugId: string | null;
  /** The PDB's name; of other systems what the writer put in its place, mostly the name again. */
  readonly debugFile: string | null;
  /** Seconds since 1970 of PE; 0 elsewhere. */
  readonly timestamp: number;
  /** "10.0.19041.1": the file's version, where it has one. */
  readonly version: string | null;
  /** Why the record that identifies the module could not be read; its ids are null then. */
  readonly damage: MinidumpError | null;
}

/** VS_FIXEDFILEINFO.dwSignature */
const VERSION_SIGNATURE = 0xfeef04bd;

function versionOf([signature, , high = 0, low = 0]: readonly number[]): string | null {
  if (signature !== VERSION_SIGNATURE || (high | low) === 0) return null;
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].join(".");
}

const APPLE = new Set<string | null>(["macos", "ios"]);

interface Ids {
  readonly buildId: string | null;
  readonly codeId: string | null;
  readonly debugId: string | null;
  readonly debugFile: string | null;
}

const NO_IDS: Ids = { buildId: null, codeId: null, debugId: null, debugFile: null };

/**
 * Folklore: before it had a record for ELF, Breakpad on Linux wrote the first 16 bytes of the build
 * id as an RSDS record of age 0. The debug id is the same either way; the build id, of which 4
 * bytes are missing, stays unknown. Test: module-list.test.ts, "RSDS of Linux".
 */
function idsOf(
  codeView: CodeView | null,
  { timeDateStamp, sizeOfImage }: Fields<typeof MinidumpModule>,
  { os }: Platform,
  byteOrder: ByteOrder,
): Ids {
  const peId = os === "windows" ? peCodeId(timeDateStamp, sizeOfImage) : null;
  if (codeView === null) return { ...NO_IDS, codeId: peId };
  const debugId = debugIdOf(codeView, byteOrder);
  if (codeView.kind === "elf") {
    const buildId = debugId === null ? null : hexOf(codeView.buildId);
    return { buildId, codeId: buildId, debugId, debugFile: null };
  }
  const uuid =
    codeView.kind === "pdb70" && debugId !== null && APPLE.has(os)
      ? guidDigits(codeView.guid).toLowerCase()
      : null;
  return { buildId: null, codeId: uuid ?? peId, debugId, debugFile: codeView.file };
}

/** The last part of a path of either kind. */
export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

function moduleOf(raw: Fields<typeof MinidumpModule>, file: DumpFile, platform: Platform): Module {
  const codeFile = attempt(() => file.utf16At(raw.moduleNameRva, "MINIDUMP_MODULE.ModuleName"));
  const codeView = attempt(() => readCodeView(file, raw.cvRecord));
  const path = codeFile instanceof MinidumpError ? "" : codeFile;
  const record = codeView instanceof MinidumpError ? null : codeView;
  return {
    name: baseName(path),
    codeFile: path,
    base: raw.baseOfImage,
    size: raw.sizeOfImage,
    ...idsOf(record, raw, platform, file.byteOrder),
    timestamp: raw.timeDateStamp,
    version: versionOf(raw.versionInfo),
    damage: [codeFile, codeView].find((part) => part instanceof MinidumpError) ?? null,
  };
}

/** In the file's order; of most writers the first is the program itself. */
export const ModuleList: Stream<readonly Module[]> = {
  type: 4,
  read: ({ cursor, file, platform }) =>
    readList(cursor, {
      what: "MINIDUMP_MODULE_LIST.NumberOfModules",
      record: MinidumpModule,
      size: 108,
      max: MAX_MODULES,
      limit: "MAX_MODULES",
    }).map((raw) => moduleOf(raw, file, platform())),
};
