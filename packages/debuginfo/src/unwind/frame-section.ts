/**
 * `.debug_frame` and `.eh_frame`: the functions, each with a program over what its CIE says.
 *
 * DWARF 5, section 6.4.1; `.eh_frame` per LSB 5.0 Core, section 10.6. An entry that is damaged costs itself alone;
 * one whose length lies, what follows it.
 */
import { ByteReader } from "../dwarf/byte-reader.ts";
import { DebugInfoError, hex } from "../error.ts";
import type { GapList } from "../gap-list.ts";
import { CfaProgram } from "./cfa-program.ts";
import { type Cie, readCie } from "./cie.ts";
import { type PointerContext, readLength, readPointer } from "./pointer-encoding.ts";
import type { UnwindTable } from "./unwind-table.ts";

export interface FrameSection {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** ".eh_frame" or ".debug_frame". */
  readonly name: string;
  readonly isEh: boolean;
  readonly isAarch64: boolean;
  /** Whether code may lie at address 0, as in relocatable objects; elsewhere it is dropped code. */
  readonly keepZero: boolean;
  readonly pointers: PointerContext;
}

/** Adds every function of the section to the table. */
export function readFrames(section: FrameSection, table: UnwindTable, gaps: GapList): void {
  new FrameReader(section, table, gaps).read();
}

class FrameReader {
  private readonly section: FrameSection;
  private readonly table: UnwindTable;
  private readonly gaps: GapList;
  private readonly reader: ByteReader;
  private readonly program: CfaProgram;
  /** By offset; null for those that are damaged. */
  private readonly cies = new Map<number, Cie | null>();
  /** Of the function under way. */
  private cie: Cie | null = null;

  constructor(section: FrameSection, table: UnwindTable, gaps: GapList) {
    const { bytes, littleEndian, name } = section;
    this.section = section;
    this.table = table;
    this.gaps = gaps;
    this.reader = new ByteReader(bytes, littleEndian, name);
    this.program = new CfaProgram(this.reader, (address, state) => {
      if (this.cie !== null) table.add(address, state, this.cie);
    });
  }

  /** Entries are walked twice rather than kept: a function may come before what it shares. */
  read(): void {
    const end = this.walk(this.section.bytes.length, (at, idSize, entryEnd) => {
      if (!this.isCie(idSize)) return;
      this.cies.set(at, null);
      this.cies.set(at, readCie(this.section, this.reader, entryEnd));
    });
    this.walk(end, (_at, idSize, entryEnd) => {
      const idAt = this.reader.at;
      if (!this.isCie(idSize)) this.readFunction(idAt, idSize, entryEnd);
    });
  }

  /** Calls `visit` for each entry, with the reader at its id; answers with the end of those that can be passed. */
  private walk(end: number, visit: (offset: number, idSize: 4 | 8, end: number) => void): number {
    const { reader, section } = this;
    let at = 0;
    while (at + 4 <= end) {
      let next = at;
      try {
        reader.at = at;
        const { offsetSize, end: entryEnd } = reader.initialLength();
        next = entryEnd;
        // linkers leave terminators between the tables of two objects; the id always has 32 bits in .eh_frame
        if (reader.at < next) visit(at, section.isEh ? 4 : offsetSize, next);
      } catch (error) {
        if (!(error instanceof DebugInfoError)) throw error;
        this.gaps.add(`${error.message} (entry at ${hex(at)})`);
        if (next === at) break;
      }
      at = next;
    }
    return at;
  }

  /** Moves past the id. */
  private isCie(idSize: 4 | 8): boolean {
    const id = this.reader.offset(idSize);
    return this.section.isEh ? id === 0 : id >= 2 ** (8 * idSize) - 1;
  }

  private readFunction(idAt: number, idSize: 4 | 8, end: number): void {
    const { section, reader, table, program } = this;
    reader.at = idAt;
    const id = reader.offset(idSize);
    const cie = this.cies.get(section.isEh ? idAt - id : id);
    if (cie === null) return; // told once
    if (cie === undefined) throw this.refused(`CIE_pointer at ${hex(idAt)}: no CIE there`);
    const { pointerEncoding, pointers } = cie;
    const start = readPointer(reader, pointerEncoding, pointers);
    const length = readLength(reader, pointerEncoding, pointers);
    if (cie.isAugmented) skipAugmentation(reader);
    reader.check("FDE", end);
    if (start === null || length === null)
      throw this.refused(
        `initial_location: pointer encoding ${hex(pointerEncoding)} cannot be read`,
      );
    if ((start === 0 && !section.keepZero) || !table.begin(start, start + length)) return;
    this.cie = cie;
    try {
      program.run(start, end, cie.program);
    } catch (error) {
      table.addUnknown(program.location);
      throw error;
    } finally {
      table.close();
    }
  }

  private refused(what: string): DebugInfoError {
    return new DebugInfoError("bad-dwarf", `${this.section.name}: ${what}`);
  }
}

function skipAugmentation(reader: ByteReader): void {
  const length = reader.uleb();
  reader.at += length;
}
