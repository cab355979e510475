/**
 * `.debug_frame` and `.eh_frame`: common information entries (CIE) and the functions' own (FDE).
 *
 * DWARF 5, section 6.4.1, versions 1, 3 and 4; `.eh_frame` per LSB 5.0 Core, section 10.6. Augmentations z, R, L,
 * P, S, B (AArch64 key B), G (AArch64 memory tagging) and GCC 2's "eh". An entry that is damaged costs itself
 * alone; one whose length lies, what follows it.
 */
import { ByteReader } from "../dwarf/byte-reader.ts";
import { DebugInfoError, hex } from "../error.ts";
import type { GapList } from "../gap-list.ts";
import { MAX_UNWIND_REGISTER } from "../limits.ts";
import { CfaProgram, type ProgramContext } from "./cfa-program.ts";
import { POINTER_INDIRECT, PointerFormat } from "./constants.ts";
import { type PointerContext, readLength, readPointer } from "./pointer-encoding.ts";
import type { FrameFacts } from "./rule-codec.ts";
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

/** Where an entry is and what follows its length. */
interface Entry {
  readonly offset: number;
  readonly end: number;
  /** Where its id is: the CIE's marker, or the distance to it. */
  readonly idAt: number;
  readonly idSize: 4 | 8;
}

interface Cie extends FrameFacts {
  readonly program: ProgramContext;
  readonly pointers: PointerContext;
  readonly pointerEncoding: number;
  /** Whether entries say the length of their augmentation data. */
  readonly isAugmented: boolean;
}

/** Adds every function of the section to the table. */
export function readFrames(section: FrameSection, table: UnwindTable, gaps: GapList): void {
  const cies = new Map<number, Cie | null>();
  forEachEntry(section, gaps, (entry) => {
    if (isCie(section, entry))
      cies.set(
        entry.offset,
        tolerate(entry.offset, gaps, () => readCie(section, entry)),
      );
  });
  // an entry that cannot be passed has been told
  forEachEntry(section, null, (entry) => {
    if (!isCie(section, entry))
      tolerate(entry.offset, gaps, () => readFunction(section, entry, cies, table));
  });
}

/** Entries are walked twice rather than kept: functions may come before what they share. */
function forEachEntry(
  section: FrameSection,
  gaps: GapList | null,
  visit: (entry: Entry) => void,
): void {
  for (let at = 0; at + 4 <= section.bytes.length;) {
    const entry = tolerate(at, gaps, () => readEntry(section, at));
    if (entry === null) return;
    // linkers leave terminators between the tables of two objects
    if (entry.idAt < entry.end) visit(entry);
    at = entry.end;
  }
}

function tolerate<T>(offset: number, gaps: GapList | null, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    gaps?.add(`${error.message} (entry at ${hex(offset)})`);
    return null;
  }
}

function readEntry(section: FrameSection, offset: number): Entry {
  const reader = readerAt(section, offset);
  const { offsetSize, end } = reader.initialLength();
  // the id always has 32 bits in .eh_frame
  return { offset, end, idAt: reader.at, idSize: section.isEh ? 4 : offsetSize };
}

const readerAt = ({ bytes, littleEndian, name }: FrameSection, at: number): ByteReader =>
  new ByteReader(bytes, littleEndian, name, at);

function isCie(section: FrameSection, { idAt, idSize }: Entry): boolean {
  const id = readerAt(section, idAt).offset(idSize);
  return section.isEh ? id === 0 : id >= 2 ** (8 * idSize) - 1;
}

function readCie(section: FrameSection, { idAt, idSize, end }: Entry): Cie {
  const reader = readerAt(section, idAt + idSize);
  const version = reader.u8();
  if (version !== 1 && version !== 3 && version !== 4)
    throw refused(
      section,
      `CIE version at ${hex(idAt + idSize)}: wanted 1, 3 or 4, found ${version}`,
    );
  const augmentation = readAugmentationText(reader);
  const pointers = version === 4 ? ownAddressSize(section, reader) : section.pointers;
  if (augmentation === "eh") reader.at += pointers.addressSize;
  const codeAlignment = reader.uleb();
  const dataAlignment = reader.sleb();
  const returnAddress = version === 1 ? reader.u8() : reader.uleb();
  const more = readAugmentation(section, reader, augmentation, pointers);
  reader.check("CIE", end);
  if (returnAddress > MAX_UNWIND_REGISTER)
    throw refused(
      section,
      `CIE return_address_register: beyond MAX_UNWIND_REGISTER (${MAX_UNWIND_REGISTER})`,
    );
  const context: ProgramContext = {
    codeAlignment,
    dataAlignment,
    isAarch64: section.isAarch64,
    initial: null,
    readAddress: (from) => readPointer(from, more.pointerEncoding, pointers),
  };
  const program = new CfaProgram(reader, 0, context, () => undefined);
  program.run(end);
  return { ...more, pointers, returnAddress, program: { ...context, initial: program.state } };
}

function readAugmentationText(reader: ByteReader): string {
  const start = reader.at;
  reader.skipString();
  return String.fromCharCode(...reader.bytes.subarray(start, Math.min(reader.at - 1, start + 16)));
}

/** Version 4 says its own address size, and that of a segment selector, which nobody has. */
function ownAddressSize(section: FrameSection, reader: ByteReader): PointerContext {
  const addressSize = reader.u8();
  const selectorSize = reader.u8();
  if ((addressSize !== 2 && addressSize !== 4 && addressSize !== 8) || selectorSize !== 0)
    throw refused(
      section,
      `CIE sizes at ${hex(reader.at - 2)}: wanted 2, 4 or 8 and 0, found ${addressSize} and ${selectorSize}`,
    );
  return { ...section.pointers, addressSize };
}

/** What the augmentation's letters say; the position is behind its data then. */
function readAugmentation(
  section: FrameSection,
  reader: ByteReader,
  augmentation: string,
  pointers: PointerContext,
): Pick<Cie, "pointerEncoding" | "signalFrame" | "isAugmented"> {
  const isAugmented = augmentation.startsWith("z");
  // ARM's compiler says its name there and adds no data
  if (!isAugmented && augmentation !== "" && augmentation !== "eh" && augmentation !== "armcc+")
    throw refused(section, `CIE augmentation: unknown ${JSON.stringify(augmentation)}`);
  const length = isAugmented ? reader.uleb() : 0;
  const end = reader.at + length;
  let pointerEncoding: number = PointerFormat.absptr;
  let signalFrame = false;
  for (const letter of isAugmented ? augmentation.slice(1) : "") {
    if (letter === "R") pointerEncoding = reader.u8();
    else if (letter === "L") reader.u8();
    else if (letter === "P") readPointer(reader, reader.u8() & ~POINTER_INDIRECT, pointers);
    else if (letter === "S") signalFrame = true;
    else if (letter !== "B" && letter !== "G") break; // what it adds is jumped over
  }
  reader.at = end;
  return { pointerEncoding, signalFrame, isAugmented };
}

function readFunction(
  section: FrameSection,
  { idAt, idSize, end }: Entry,
  cies: ReadonlyMap<number, Cie | null>,
  table: UnwindTable,
): void {
  const reader = readerAt(section, idAt);
  const id = reader.offset(idSize);
  const cie = cies.get(section.isEh ? idAt - id : id);
  if (cie === null) return; // told once
  if (cie === undefined) throw refused(section, `CIE_pointer at ${hex(idAt)}: no CIE there`);
  const start = readPointer(reader, cie.pointerEncoding, cie.pointers);
  const length = readLength(reader, cie.pointerEncoding, cie.pointers);
  if (cie.isAugmented) skipAugmentation(reader);
  reader.check("FDE", end);
  if (start === null || length === null)
    throw refused(
      section,
      `initial_location: pointer encoding ${hex(cie.pointerEncoding)} cannot be read`,
    );
  if ((start === 0 && !section.keepZero) || !table.begin(start, start + length)) return;
  const program = new CfaProgram(reader, start, cie.program, (address, state) =>
    table.add(address, state, cie),
  );
  try {
    program.run(end);
  } catch (error) {
    table.addUnknown(program.location);
    throw error;
  } finally {
    table.close();
  }
}

function skipAugmentation(reader: ByteReader): void {
  const length = reader.uleb();
  reader.at += length;
}

const refused = ({ name }: FrameSection, what: string): DebugInfoError =>
  new DebugInfoError("bad-dwarf", `${name}: ${what}`);
