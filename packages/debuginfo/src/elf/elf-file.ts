/**
 * An ELF file: header, program headers, sections; nothing else is read before it is asked for.
 *
 * System V ABI, chapters 4 and 5, with the extended numbering of sections and segments. A file whose
 * section table is missing or lies outside the file still opens when it has segments: stripped objects
 * and objects out of memory are like that.
 */
import { type ByteSource, readRange } from "../byte-source.ts";
import { DebugInfoError, hex } from "../error.ts";
import { MAX_SECTIONS, MAX_SEGMENTS } from "../limits.ts";
import {
  ElfClass,
  ElfData,
  Ident,
  PN_XNUM,
  SectionIndex,
  SectionType,
  SegmentType,
} from "./format.ts";
import { type RecordReader, recordReader, viewOf } from "./record-reader.ts";

export interface Section {
  readonly index: number;
  readonly name: string;
  /** sh_type, see SectionType. */
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  /** In the file. */
  readonly offset: number;
  /** Stored bytes; of a NOBITS section, bytes in memory. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface ElfFile {
  readonly source: ByteSource;
  readonly reader: RecordReader;
  /** e_type, see ElfType. */
  readonly type: number;
  /** e_machine, see Machine. */
  readonly machine: number;
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];
  /** p_vaddr of the first PT_LOAD: module-relative addresses count from here. 0 without one. */
  readonly loadBase: number;
}

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** Whether these first bytes are an ELF file's. */
export const isElf = (bytes: Uint8Array): boolean => MAGIC.every((byte, at) => bytes[at] === byte);

/** Throws DebugInfoError `not-elf`, `bad-header`, `truncated` or `limit`. */
export function openElf(source: ByteSource): ElfFile {
  const ident = readRange(source, 0, Math.min(Ident.size, source.size), "e_ident");
  if (!isElf(ident))
    throw new DebugInfoError(
      "not-elf",
      `e_ident: wanted 7f 45 4c 46 at 0x0, found ${bytesText(ident.subarray(0, 4))}`,
    );
  const reader = readerOf(readRange(source, 0, Ident.size, "e_ident"));
  const { header } = reader.layouts;
  const view = viewOf(readRange(source, 0, header.size, "ELF header"));
  const first = firstSection(source, reader, view);
  const segments = readSegments(source, reader, view, first);
  return {
    source,
    reader,
    type: reader.u16(view, 16),
    machine: reader.u16(view, 18),
    sections: readSections(source, reader, view, first),
    segments,
    loadBase: segments.find((segment) => segment.type === SegmentType.load)?.address ?? 0,
  };
}

function readerOf(ident: Uint8Array): RecordReader {
  const elfClass = ident[Ident.classAt];
  const data = ident[Ident.dataAt];
  if (elfClass !== ElfClass.elf32 && elfClass !== ElfClass.elf64) {
    throw new DebugInfoError("bad-header", `EI_CLASS at 0x4: wanted 1 or 2, found ${elfClass}`);
  }
  if (data !== ElfData.little && data !== ElfData.big) {
    throw new DebugInfoError("bad-header", `EI_DATA at 0x5: wanted 1 or 2, found ${data}`);
  }
  return recordReader(elfClass === ElfClass.elf64, data === ElfData.little);
}

/** Section 0, which holds the counts that do not fit the header; null when there is no section table in the file. */
function firstSection(source: ByteSource, reader: RecordReader, header: DataView): Section | null {
  const { layouts } = reader;
  const offset = reader.word(header, layouts.header.shoff);
  const entry = reader.u16(header, layouts.header.shentsize);
  if (offset === 0 || entry < layouts.section.size || offset + layouts.section.size > source.size)
    return null;
  return readSection(reader, viewOf(source.read(offset, layouts.section.size)), 0, 0);
}

function readSections(
  source: ByteSource,
  reader: RecordReader,
  header: DataView,
  first: Section | null,
): readonly Section[] {
  if (first === null) return [];
  const fields = reader.layouts.header;
  const offset = reader.word(header, fields.shoff);
  const entry = reader.u16(header, fields.shentsize);
  const count = reader.u16(header, fields.shnum) || first.size;
  if (count > MAX_SECTIONS)
    throw new DebugInfoError(
      "limit",
      `e_shnum: ${count} sections, MAX_SECTIONS is ${MAX_SECTIONS}`,
    );
  const table = viewOf(readRange(source, offset, count * entry, "section headers"));
  const sections = Array.from({ length: count }, (_, index) =>
    readSection(reader, table, index * entry, index),
  );
  const stringIndex = reader.u16(header, fields.shstrndx);
  const strings = sections[stringIndex === SectionIndex.xindex ? first.link : stringIndex];
  return strings === undefined
    ? sections
    : nameSections(source, sections, strings, table, entry, reader);
}

function readSection(reader: RecordReader, view: DataView, at: number, index: number): Section {
  const fields = reader.layouts.section;
  return {
    index,
    name: "",
    type: reader.u32(view, at + fields.type),
    flags: reader.word(view, at + fields.flags),
    address: reader.word(view, at + fields.addr),
    offset: reader.word(view, at + fields.offset),
    size: reader.word(view, at + fields.bytes),
    link: reader.u32(view, at + fields.link),
    info: reader.u32(view, at + fields.info),
    entrySize: reader.word(view, at + fields.entsize),
  };
}

function nameSections(
  source: ByteSource,
  sections: readonly Section[],
  strings: Section,
  table: DataView,
  entry: number,
  reader: RecordReader,
): readonly Section[] {
  if (strings.type === SectionType.nobits || strings.offset + strings.size > source.size)
    return sections;
  const text = readRange(source, strings.offset, strings.size, "section names");
  return sections.map((section) => ({
    ...section,
    name: stringAt(text, reader.u32(table, section.index * entry + reader.layouts.section.name)),
  }));
}

function readSegments(
  source: ByteSource,
  reader: RecordReader,
  header: DataView,
  first: Section | null,
): readonly Segment[] {
  const { header: fields, segment } = reader.layouts;
  const stored = reader.u16(header, fields.phnum);
  const count = stored === PN_XNUM && first !== null ? first.info : stored;
  const entry = reader.u16(header, fields.phentsize);
  if (count === 0) return [];
  if (count > MAX_SEGMENTS)
    throw new DebugInfoError(
      "limit",
      `e_phnum: ${count} segments, MAX_SEGMENTS is ${MAX_SEGMENTS}`,
    );
  if (entry < segment.size)
    throw new DebugInfoError(
      "bad-header",
      `e_phentsize at ${hex(fields.phentsize)}: wanted at least ${segment.size}, found ${entry}`,
    );
  const table = viewOf(
    readRange(source, reader.word(header, fields.phoff), count * entry, "program headers"),
  );
  return Array.from({ length: count }, (_, index) => {
    const at = index * entry;
    return {
      type: reader.u32(table, at + segment.type),
      flags: reader.u32(table, at + segment.flags),
      offset: reader.word(table, at + segment.offset),
      address: reader.word(table, at + segment.vaddr),
      fileSize: reader.word(table, at + segment.filesz),
      memorySize: reader.word(table, at + segment.memsz),
    };
  });
}

const latin1 = new TextDecoder("latin1");

/** The zero-terminated string at `at`; empty outside the table. */
export function stringAt(table: Uint8Array, at: number): string {
  if (at >= table.length) return "";
  const end = table.indexOf(0, at);
  return latin1.decode(table.subarray(at, end === -1 ? table.length : end));
}

const bytesText = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? "nothing"
    : [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
