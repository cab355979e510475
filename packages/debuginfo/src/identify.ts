/**
 * What a native symbol file is, and what it can answer, told by its headers alone: for a door that must be cheap. Read are
 * the ELF header, the tables of segments and sections with their names, the notes, the first page of .text of a
 * file without a build id; of a Breakpad `.sym` its first lines.
 */
import { elfBuildId, isBreakpad, readModule } from "./breakpad/module-record.ts";
import { type ByteSource, readRange } from "./byte-source.ts";
import { buildId, debugIdOf, noteBuildId } from "./elf/build-id.ts";
import { type ElfFile, openElf, type Section } from "./elf/elf-file.ts";
import { ElfType, machineName, SectionFlag, SectionType, SegmentType } from "./elf/format.ts";
import { viewOf } from "./elf/record-reader.ts";
import { findSection } from "./elf/section-data.ts";
import { DebugInfoError, hex } from "./error.ts";
import { MAX_BUILD_ID_BYTES } from "./limits.ts";

export { isBreakpad } from "./breakpad/module-record.ts";
export type { ByteSource } from "./byte-source.ts";
export { isElf } from "./elf/elf-file.ts";
export { DebugInfoError } from "./error.ts";

/**
 * "object": what is mapped, stripped or not. "debug": its separate debug file. "supplementary": what dwz moved out of several
 * debug files. "dwo", "dwp": split units, of one source file or many. "breakpad": a `.sym`.
 */
export type NativeKind = "object" | "debug" | "supplementary" | "dwo" | "dwp" | "breakpad";

export interface NativeIdentity {
  readonly kind: NativeKind;
  /** As the `.sym` spells it; null for ELF, which does not say. */
  readonly os: string | null;
  readonly machine: string;
  /** Lower-case hex; null where there is none, as in split units. */
  readonly buildId: string | null;
  /** Breakpad's form; null for what is found by the build id alone (supplementary files), or not by either. */
  readonly debugId: string | null;
  readonly hasDebugInfo: boolean;
  /** Split units, which complete skeletons: those of a .dwo or .dwp, and of debug files that were joined with one. */
  readonly hasSplitUnits: boolean;
  /** Names: a full symbol table, MiniDebugInfo, or those that are exported. */
  readonly symbols: "symtab" | "minidebug" | "dynsym" | null;
  readonly hasUnwind: boolean;
}

/** Bytes of a `.sym` that are looked at: MODULE, and INFO CODE_ID which follows it. */
const SYM_HEAD_BYTES = 4096;
const MAX_WORD_CHARS = 32;

/** Throws DebugInfoError for what is neither, is damaged as far as is read, was cut short, or is a core dump. */
export function identifyNative(source: ByteSource): NativeIdentity {
  const head = readRange(source, 0, Math.min(SYM_HEAD_BYTES, source.size), "first bytes");
  return isBreakpad(head) ? identifySym(head) : identifyElf(openElf(source));
}

function identifySym(head: Uint8Array): NativeIdentity {
  const { os, machine, debugId } = readModule(head);
  const codeId = /^INFO CODE_ID ([0-9A-F]+)/im.exec(Buffer.from(head).toString("latin1"));
  return {
    kind: "breakpad",
    os: os.slice(0, MAX_WORD_CHARS),
    machine,
    buildId: bounded(elfBuildId(os, codeId?.[1]?.toLowerCase() ?? null)),
    debugId,
    hasDebugInfo: true,
    hasSplitUnits: false,
    symbols: "symtab",
    hasUnwind: true,
  };
}

function identifyElf(elf: ElfFile): NativeIdentity {
  checkWhole(elf);
  const kind = kindOf(elf);
  const isMapped = kind === "object" || kind === "debug";
  const id = bounded(isMapped ? buildId(elf) : noteBuildId(elf));
  return {
    kind,
    os: null,
    machine: machineName(elf.machine),
    buildId: id,
    debugId: isMapped && id !== null ? debugIdOf(id, elf.reader.littleEndian) : null,
    hasDebugInfo: hasAny(elf, ...debugInfo, ...splitUnits),
    hasSplitUnits: hasAny(elf, ...splitUnits),
    symbols: symbolsOf(elf),
    hasUnwind: hasAny(elf, ".eh_frame", ".debug_frame", ".zdebug_frame"),
  };
}

/** Ids are looked up in indexes, which a long one would not fit. */
function bounded(id: string | null): string | null {
  if (id !== null && id.length > 2 * MAX_BUILD_ID_BYTES) {
    throw new DebugInfoError(
      "limit",
      `build id: ${id.length / 2} bytes, MAX_BUILD_ID_BYTES is ${MAX_BUILD_ID_BYTES}`,
    );
  }
  return id;
}

/** A file that was cut on its way opens as far as it goes, and would answer for what it has lost with silence. */
function checkWhole({ source, reader, sections, segments }: ElfFile): void {
  const { header } = reader.layouts;
  const tableAt = reader.word(viewOf(source.read(0, header.size)), header.shoff);
  if (sections.length === 0 && tableAt !== 0)
    throw cut(`section headers at ${hex(tableAt)}`, tableAt, source);
  for (const { name, type, offset, size } of sections) {
    const isStored = type !== SectionType.nobits && type !== SectionType.null;
    if (isStored && offset + size > source.size)
      throw cut(`section ${name}: ${size} bytes at ${hex(offset)}`, offset + size, source);
  }
  // the segments of a debug file may still tell of the bytes that its object has
  if (sections.length > 0) return;
  for (const { offset, fileSize } of segments)
    if (offset + fileSize > source.size)
      throw cut(`segment: ${fileSize} bytes at ${hex(offset)}`, offset + fileSize, source);
}

const cut = (what: string, end: number, { size }: ByteSource): DebugInfoError =>
  new DebugInfoError("truncated", `${what}: wanted ${hex(end)} bytes of file, found ${hex(size)}`);

const debugInfo = [".debug_info", ".zdebug_info"];
const splitUnits = [".debug_info.dwo"];

function kindOf(elf: ElfFile): NativeKind {
  if (elf.type === ElfType.core)
    throw new DebugInfoError("bad-header", "e_type at 0x10: a core dump (4), which has no symbols");
  if (isLoaded(elf)) return "object";
  // a debug file keeps the segments and, as headers without bytes, the sections of its object; the others have neither
  const hasPlace = elf.segments.some(({ type }) => type === SegmentType.load);
  if (hasPlace || elf.sections.some(isCode)) return "debug";
  if (hasAny(elf, ".debug_cu_index", ".debug_tu_index")) return "dwp";
  if (hasAny(elf, ...splitUnits)) return "dwo";
  if (hasAny(elf, ...debugInfo)) return "supplementary";
  throw new DebugInfoError("bad-section", "sections: neither code nor debug information");
}

/** Whether something of it is mapped with bytes of its own; notes are kept in debug files too. */
function isLoaded({ sections, segments }: ElfFile): boolean {
  if (sections.length === 0)
    return segments.some(({ type, fileSize }) => type === SegmentType.load && fileSize > 0);
  return sections.some(
    ({ type, flags, size }) =>
      (flags & SectionFlag.alloc) !== 0 &&
      size > 0 &&
      type !== SectionType.nobits &&
      type !== SectionType.note,
  );
}

const isCode = ({ flags }: Section): boolean => (flags & SectionFlag.execinstr) !== 0;

function symbolsOf(elf: ElfFile): NativeIdentity["symbols"] {
  const has = (type: number): boolean =>
    elf.sections.some((section) => section.type === type && section.size > 0);
  if (has(SectionType.symtab)) return "symtab";
  if (hasAny(elf, ".gnu_debugdata")) return "minidebug";
  return has(SectionType.dynsym) ? "dynsym" : null;
}

const hasAny = (elf: ElfFile, ...names: readonly string[]): boolean =>
  names.some((name) => (findSection(elf, name)?.size ?? 0) > 0);
