/**
 * Build ids: the GNU note, and the stand-in for files without one.
 *
 * Note layout: gABI "Note Section"; type NT_GNU_BUILD_ID, owner "GNU". Notes are looked for in note
 * segments first: they survive stripping. The stand-in is Breakpad's (file_id.cc): the first page of
 * .text folded into 16 bytes by exclusive or.
 */
import type { ByteSource } from "../byte-source.ts";
import { DebugInfoError } from "../error.ts";
import { MAX_NOTE_BYTES } from "../limits.ts";
import { debugSup } from "./debug-sup.ts";
import type { ElfFile } from "./elf-file.ts";
import { NT_GNU_BUILD_ID, SectionType, SegmentType } from "./format.ts";
import { viewOf } from "./record-reader.ts";
import { findSection } from "./section-data.ts";

/** Lower-case hex; null when the file has neither a note nor code. */
export function buildId(elf: ElfFile): string | null {
  return noteBuildId(elf) ?? textBuildId(elf);
}

/** The build id that the linker wrote, or the checksum that a supplementary file has in its place; null without either. */
export function noteBuildId(elf: ElfFile): string | null {
  const segments = elf.segments
    .filter((segment) => segment.type === SegmentType.note)
    .map((segment) => notes(elf, segment.offset, segment.fileSize));
  const sections = elf.sections
    .filter((section) => section.type === SectionType.note)
    .map((section) => notes(elf, section.offset, section.size));
  for (const found of [...segments, ...sections]) if (found !== null) return found;
  return supplementChecksum(elf);
}

function supplementChecksum(elf: ElfFile): string | null {
  try {
    const found = debugSup(elf);
    return found?.isSupplementary === true && found.checksum !== "" ? found.checksum : null;
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    return null; // a damaged section names nothing, like a damaged note
  }
}

function notes(elf: ElfFile, offset: number, size: number): string | null {
  const bytes = lenientRange(elf.source, offset, size);
  const view = viewOf(bytes);
  for (let at = 0; at + 12 <= bytes.length;) {
    const nameSize = elf.reader.u32(view, at);
    const descriptionSize = elf.reader.u32(view, at + 4);
    if (nameSize > MAX_NOTE_BYTES || descriptionSize > MAX_NOTE_BYTES) return null;
    const descriptionAt = at + 12 + align4(nameSize);
    const end = descriptionAt + descriptionSize;
    if (end > bytes.length) return null;
    const owner = String.fromCharCode(...bytes.subarray(at + 12, at + 12 + nameSize));
    if (
      owner === "GNU\0" &&
      elf.reader.u32(view, at + 8) === NT_GNU_BUILD_ID &&
      descriptionSize > 0
    ) {
      return Buffer.from(bytes.subarray(descriptionAt, end)).toString("hex");
    }
    at = descriptionAt + align4(descriptionSize);
  }
  return null;
}

const align4 = (size: number): number => (size + 3) & ~3;

/** As much of the range as the file has: a cut note says nothing, which is no error. */
function lenientRange(source: ByteSource, offset: number, size: number): Uint8Array {
  const end = Math.min(source.size, offset + size);
  return offset >= end ? new Uint8Array() : source.read(offset, end - offset);
}

const PAGE = 4096;

function textBuildId(elf: ElfFile): string | null {
  const text = findSection(elf, ".text");
  if (text === null || text.size === 0) return null;
  const page = lenientRange(elf.source, text.offset, Math.min(text.size, PAGE));
  const folded = new Uint8Array(16);
  page.forEach((byte, at) => {
    folded[at % 16] = (folded[at % 16] as number) ^ byte;
  });
  return folded.every((byte) => byte === 0) ? null : Buffer.from(folded).toString("hex");
}

/**
 * The debug id that Breakpad and minidumps use for an ELF build id: its first 16 bytes as a GUID, whose
 * first three parts are little-endian in the file, upper-case hex, and age 0. Shorter ids are padded.
 */
export function debugIdOf(buildIdHex: string, littleEndian: boolean): string {
  const bytes = Buffer.alloc(16);
  Buffer.from(buildIdHex, "hex").copy(bytes);
  if (littleEndian) {
    bytes.subarray(0, 4).reverse();
    bytes.subarray(4, 6).reverse();
    bytes.subarray(6, 8).reverse();
  }
  return `${bytes.toString("hex").toUpperCase()}0`;
}
