/**
 * What functions share in `.debug_frame` and `.eh_frame`: common information entries. DWARF 5, section 6.4.1, versions
 * 1, 3 and 4; augmentations per LSB 5.0 Core, section 10.6.1.1.1.
 */
import type { ByteReader } from "../dwarf/byte-reader.ts";
import { DebugInfoError, hex } from "../error.ts";
import { MAX_UNWIND_REGISTER } from "../limits.ts";
import { CfaProgram, type ProgramContext } from "./cfa-program.ts";
import { POINTER_INDIRECT, PointerFormat } from "./constants.ts";
import type { FrameSection } from "./frame-section.ts";
import { type PointerContext, readPointer } from "./pointer-encoding.ts";
import type { FrameFacts } from "./rule-codec.ts";

export interface Cie extends FrameFacts {
  readonly program: ProgramContext;
  readonly pointers: PointerContext;
  readonly pointerEncoding: number;
  /** Whether functions say the length of their augmentation data. */
  readonly isAugmented: boolean;
}

/** Reads the entry from behind its id to `end`. Throws DebugInfoError `bad-dwarf`, `truncated` or `limit`. */
export function readCie(section: FrameSection, reader: ByteReader, end: number): Cie {
  const version = reader.u8();
  if (version !== 1 && version !== 3 && version !== 4)
    throw refused(
      section,
      `CIE version at ${hex(reader.at - 1)}: wanted 1, 3 or 4, found ${version}`,
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
  const program = new CfaProgram(reader, () => undefined);
  const initial = program.run(0, end, context);
  return { ...more, pointers, returnAddress, program: { ...context, initial } };
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

const refused = ({ name }: FrameSection, what: string): DebugInfoError =>
  new DebugInfoError("bad-dwarf", `${name}: ${what}`);
