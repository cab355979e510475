/**
 * `.debug_line`: headers (directories, files) and programs.
 *
 * DWARF 5, section 6.2; headers of versions 2 to 4 per DWARF 4, section 6.2.4.
 * Not handled: VLIW op_index (no target of ours emits it); flags of rows other than their address, file,
 * line and column.
 */
import { DebugInfoError, hex } from "../error.ts";
import { MAX_LINE_FILES } from "../limits.ts";
import { actualForm, readNumber, skipForm } from "./forms.ts";
import { ByteReader } from "./byte-reader.ts";
import { Form, LineContent, LineExtendedOp, LineOp } from "./constants.ts";
import type { LineTableBuilder } from "./line-table.ts";
import type { DwarfSections } from "./sections.ts";
import { stringOf } from "./strings.ts";
import type { Unit } from "./unit.ts";

/** A file as the header names it. */
export interface LineFile {
  readonly name: string;
  /** As written: absolute, relative to the unit's directory, or empty. */
  readonly directory: string;
}

export interface LineHeader {
  /** By the number that rows and call sites use. */
  file(number: number): LineFile | null;
  readonly program: ByteReader;
  readonly programEnd: number;
  readonly minimumInstructionLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: Uint8Array;
  readonly addressSize: number;
}

/** Throws DebugInfoError when the header is damaged. `unit` gives the directory names' context and string tables. */
export function readLineHeader(
  unit: Unit,
  offset: number,
  supplement: DwarfSections | null,
): LineHeader {
  const { sections } = unit;
  const reader = new ByteReader(sections.line, sections.littleEndian, ".debug_line", offset);
  reader.check("line program header");
  const { offsetSize, end } = reader.initialLength();
  const version = reader.u16();
  if (version < 2 || version > 5) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_line: program at ${hex(offset)}: version: wanted 2 to 5, found ${version}`,
    );
  }
  let addressSize = unit.addressSize;
  if (version >= 5) {
    addressSize = reader.u8();
    reader.u8(); // segment_selector_size
  }
  const headerLength = reader.offset(offsetSize);
  const programAt = reader.at + headerLength;
  const minimumInstructionLength = reader.u8();
  if (version >= 4) reader.u8(); // maximum_operations_per_instruction
  reader.u8(); // default_is_stmt
  const lineBase = (reader.u8() << 24) >> 24;
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  if (opcodeBase === 0 || programAt > end) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_line: program at ${hex(offset)}: opcode_base ${opcodeBase}, header ends at ${hex(programAt)}, unit at ${hex(end)}`,
    );
  }
  const operandCounts = reader.bytes.subarray(reader.at, reader.at + opcodeBase - 1);
  reader.at += opcodeBase - 1;
  const tables =
    version >= 5
      ? readTables(reader, unit, offsetSize, supplement)
      : readOldTables(reader, unit, programAt);
  reader.check("line program header", end);
  if (version < 5) sections.budget.spend("MAX_ALL_LINE_FILES", tables.count + 1);
  return {
    file: tables.file,
    program: new ByteReader(sections.line, sections.littleEndian, ".debug_line", programAt),
    programEnd: end,
    minimumInstructionLength,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    addressSize,
  };
}

/** Files of a header; a name is made when it is asked for, as most of them never are. */
interface FileTables {
  readonly count: number;
  readonly file: (number: number) => LineFile | null;
}

function readOldTables(reader: ByteReader, unit: Unit, end: number): FileTables {
  const directories: number[] = [];
  while (reader.at < end && reader.bytes[reader.at] !== 0) {
    directories.push(reader.at);
    reader.skipString();
    checkCount(directories.length);
  }
  reader.at += 1;
  const names: number[] = [];
  const directoryOf: number[] = [];
  while (reader.at < end && reader.bytes[reader.at] !== 0) {
    names.push(reader.at);
    reader.skipString();
    directoryOf.push(reader.uleb());
    reader.skipLeb(); // time
    reader.skipLeb(); // length
    checkCount(names.length);
  }
  const inline = withInlineStrings(unit, unit.offsetSize);
  const text = (at: number | undefined): string =>
    at === undefined ? "" : (stringOf(inline, { form: Form.string, number: at }, null) ?? "");
  return {
    count: names.length,
    // file 1 is the first; directory 0 the unit's own, which is not listed
    file: (number) => {
      const at = names[number - 1];
      if (at === undefined) return null;
      return { name: text(at), directory: text(directories[(directoryOf[number - 1] ?? 0) - 1]) };
    },
  };
}

/** The unit for strings inside a header: those lie in `.debug_line` itself. */
const withInlineStrings = (unit: Unit, offsetSize: 4 | 8): Unit => ({
  ...unit,
  offsetSize,
  sections: { ...unit.sections, info: unit.sections.line },
});

function readTables(
  reader: ByteReader,
  unit: Unit,
  offsetSize: 4 | 8,
  supplement: DwarfSections | null,
): FileTables {
  const inline = withInlineStrings(unit, offsetSize);
  const text = ({ forms, numbers }: EntryTable, index: number): string => {
    const form = forms[index] ?? 0;
    return stringOf(inline, { form, number: numbers[index] ?? 0 }, supplement) ?? "";
  };
  const directories = readEntries(reader, inline);
  const files = readEntries(reader, inline);
  return {
    count: files.count,
    file: (number) =>
      number < files.count
        ? {
            name: text(files, number),
            directory: text(directories, files.directories[number] ?? 0),
          }
        : null,
  };
}

/** Paths of files or directories as they are stored, with the files' directories. */
interface EntryTable {
  readonly count: number;
  readonly forms: readonly number[];
  readonly numbers: readonly number[];
  readonly directories: readonly number[];
}

function readEntries(reader: ByteReader, unit: Unit): EntryTable {
  const formats: { content: number; form: number }[] = [];
  for (let left = reader.u8(); left > 0; left -= 1)
    formats.push({ content: reader.uleb(), form: reader.uleb() });
  const count = reader.uleb();
  checkCount(count);
  unit.sections.budget.spend("MAX_ALL_LINE_FILES", count + 1);
  if (count > reader.bytes.length - reader.at) {
    throw new DebugInfoError(
      "truncated",
      `.debug_line: ${count} files or directories at ${hex(reader.at)}, the data ends at ${hex(reader.bytes.length)}`,
    );
  }
  const forms: number[] = [];
  const numbers: number[] = [];
  const directories: number[] = [];
  for (let index = 0; index < count; index += 1) {
    for (const format of formats) {
      const form = actualForm(reader, format.form);
      if (format.content === LineContent.path) {
        forms[index] = form;
        numbers[index] = readNumber(reader, form, 0, unit);
      } else if (format.content === LineContent.directoryIndex)
        directories[index] = readNumber(reader, form, 0, unit);
      else skipForm(reader, form, unit);
    }
    reader.check("file and directory entries");
  }
  return { count, forms, numbers, directories };
}

function checkCount(count: number): void {
  if (count > MAX_LINE_FILES)
    throw new DebugInfoError(
      "limit",
      `.debug_line: ${count} files or directories, MAX_LINE_FILES is ${MAX_LINE_FILES}`,
    );
}

/**
 * Runs a program. `fileIndex` turns the program's file number into the table's. Sequences that begin at
 * 0 or at a tombstone are dropped code, except at 0 where `keepZero` (relocatable objects).
 */
export function runLineProgram(
  header: LineHeader,
  fileIndex: (number: number) => number,
  table: LineTableBuilder,
  keepZero: boolean,
): void {
  const machine = new LineMachine(header, fileIndex, table, keepZero);
  const { program, programEnd, opcodeBase } = header;
  while (program.at < programEnd) {
    const opcode = program.u8();
    if (opcode >= opcodeBase) machine.special(opcode - opcodeBase);
    else if (opcode === 0) machine.extended();
    else machine.standard(opcode);
  }
  machine.finish();
}

/** The registers of DWARF 5, section 6.2.2, those that are used here. */
class LineMachine {
  private readonly header: LineHeader;
  private readonly program: ByteReader;
  private readonly fileIndex: (number: number) => number;
  private readonly table: LineTableBuilder;
  private readonly lowest: number;
  private readonly highest: number;
  private readonly constAddPc: number;
  private address = 0;
  private file = 1;
  private line = 1;
  private column = 0;
  private rows = 0;
  private sequenceAddress = 0;
  /** `file` as the table numbers it, and the file that this is true of. */
  private index = 0;
  private indexedFile = -1;

  constructor(
    header: LineHeader,
    fileIndex: (number: number) => number,
    table: LineTableBuilder,
    keepZero: boolean,
  ) {
    this.header = header;
    this.program = header.program;
    this.fileIndex = fileIndex;
    this.table = table;
    this.lowest = keepZero ? 0 : 1;
    this.highest = 2 ** (8 * header.addressSize) - (header.addressSize === 8 ? 4096 : 2);
    const steps =
      header.lineRange === 0 ? 0 : Math.floor((255 - header.opcodeBase) / header.lineRange);
    this.constAddPc = steps * header.minimumInstructionLength;
  }

  special(adjusted: number): void {
    const { lineRange, lineBase, minimumInstructionLength } = this.header;
    if (lineRange !== 0) {
      this.address += Math.floor(adjusted / lineRange) * minimumInstructionLength;
      this.line += lineBase + (adjusted % lineRange);
    }
    this.emit();
  }

  extended(): void {
    const { program } = this;
    const length = program.uleb();
    const next = program.at + length;
    const opcode = length === 0 ? 0 : program.u8();
    if (opcode === LineExtendedOp.endSequence) {
      this.endSequence(this.address);
    } else if (opcode === LineExtendedOp.setAddress) {
      this.address = program.sized(length - 1 === 4 || length - 1 === 2 ? length - 1 : 8);
    }
    program.at = next;
  }

  standard(opcode: number): void {
    const { program } = this;
    switch (opcode) {
      case LineOp.copy:
        this.emit();
        break;
      case LineOp.advancePc:
        this.address += program.uleb() * this.header.minimumInstructionLength;
        break;
      case LineOp.advanceLine:
        this.line += program.sleb();
        break;
      case LineOp.setFile:
        this.file = program.uleb();
        break;
      case LineOp.setColumn:
        this.column = program.uleb();
        break;
      case LineOp.constAddPc:
        this.address += this.constAddPc;
        break;
      case LineOp.fixedAdvancePc:
        this.address += program.u16();
        break;
      default:
        for (let left = this.header.operandCounts[opcode - 1] ?? 0; left > 0; left -= 1)
          program.skipLeb();
    }
  }

  /** A program that stops inside a sequence still says where its last row begins. */
  finish(): void {
    if (this.rows > 0) this.endSequence(this.address + 1);
  }

  private emit(): void {
    if (this.rows === 0) this.sequenceAddress = this.address;
    this.rows += 1;
    if (this.file !== this.indexedFile) {
      this.indexedFile = this.file;
      this.index = this.fileIndex(this.file);
    }
    const line = this.line > 0 ? this.line : 0;
    this.table.add(this.address, this.index, line, this.column < 0xffff ? this.column : 0);
  }

  private endSequence(end: number): void {
    this.table.endSequence(
      end,
      this.sequenceAddress >= this.lowest && this.sequenceAddress < this.highest,
    );
    this.address = 0;
    this.file = 1;
    this.line = 1;
    this.column = 0;
    this.rows = 0;
  }
}
