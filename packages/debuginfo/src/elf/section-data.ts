/**
 * A section's bytes, inflated when they are stored compressed.
 *
 * SHF_COMPRESSED: gABI "Compressed Sections" (Elf_Chdr, zlib and zstd). `.zdebug_*`: the older GNU form,
 * "ZLIB" and the size as 8 bytes big-endian. A size that lies is caught before anything is inflated,
 * and inflation stops at the size that was stated.
 */
import { inflateSync, zstdDecompressSync } from "node:zlib";
import { readRange } from "../byte-source.ts";
import { DebugInfoError, hex } from "../error.ts";
import { MAX_INFLATE_RATIO, MAX_SECTION_BYTES } from "../limits.ts";
import type { ElfFile, Section } from "./elf-file.ts";
import { CompressionType, SectionFlag, SectionType } from "./format.ts";
import { viewOf } from "./record-reader.ts";

/** The section of that name that holds bytes in this file, null when there is none. */
export function findSection(elf: ElfFile, name: string): Section | null {
  return (
    elf.sections.find((section) => section.name === name && section.type !== SectionType.nobits) ??
    null
  );
}

/** Throws DebugInfoError `truncated`, `bad-compression` or `limit`. */
export function sectionData(elf: ElfFile, section: Section): Uint8Array {
  if (section.type === SectionType.nobits || section.type === SectionType.null)
    return new Uint8Array();
  if (section.size > MAX_SECTION_BYTES) {
    throw new DebugInfoError(
      "limit",
      `section ${section.name}: ${section.size} bytes, MAX_SECTION_BYTES is ${MAX_SECTION_BYTES}`,
    );
  }
  const stored = readRange(elf.source, section.offset, section.size, `section ${section.name}`);
  if ((section.flags & SectionFlag.compressed) !== 0) return inflateStandard(elf, section, stored);
  return section.name.startsWith(".zdebug") ? inflateOld(section, stored) : stored;
}

function inflateStandard(elf: ElfFile, section: Section, stored: Uint8Array): Uint8Array {
  const { reader } = elf;
  const { compression } = reader.layouts;
  if (stored.length < compression.size) {
    throw new DebugInfoError(
      "truncated",
      `section ${section.name}: Elf_Chdr: need ${compression.size} bytes at ${hex(section.offset)}, have ${stored.length}`,
    );
  }
  const view = viewOf(stored);
  const type = reader.u32(view, compression.type);
  const size = reader.word(view, compression.bytes);
  const packed = stored.subarray(compression.size);
  if (type === CompressionType.zlib) return inflate(section, packed, size, "zlib");
  if (type === CompressionType.zstd) return inflate(section, packed, size, "zstd");
  throw new DebugInfoError(
    "bad-compression",
    `section ${section.name}: ch_type at ${hex(section.offset)}: wanted 1 (zlib) or 2 (zstd), found ${type}`,
  );
}

const OLD_HEADER = 12;

function inflateOld(section: Section, stored: Uint8Array): Uint8Array {
  if (stored.length < OLD_HEADER || String.fromCharCode(...stored.subarray(0, 4)) !== "ZLIB")
    return stored;
  const size = Number(viewOf(stored).getBigUint64(4, false));
  return inflate(section, stored.subarray(OLD_HEADER), size, "zlib");
}

function inflate(
  section: Section,
  packed: Uint8Array,
  size: number,
  how: "zlib" | "zstd",
): Uint8Array {
  const where = `section ${section.name}: ${how} data at ${hex(section.offset)}`;
  if (size > MAX_SECTION_BYTES)
    throw new DebugInfoError(
      "limit",
      `${where}: ${size} bytes inflated, MAX_SECTION_BYTES is ${MAX_SECTION_BYTES}`,
    );
  if (how === "zlib" && size > packed.length * MAX_INFLATE_RATIO) {
    throw new DebugInfoError(
      "bad-compression",
      `${where}: ${packed.length} bytes cannot inflate to ${size}`,
    );
  }
  let data: Uint8Array;
  try {
    const options = { maxOutputLength: Math.max(size, 1) };
    data = how === "zlib" ? inflateSync(packed, options) : zstdDecompressSync(packed, options);
  } catch (error) {
    throw new DebugInfoError("bad-compression", `${where}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (data.length !== size)
    throw new DebugInfoError(
      "bad-compression",
      `${where}: wanted ${size} bytes, found ${data.length}`,
    );
  return data;
}
