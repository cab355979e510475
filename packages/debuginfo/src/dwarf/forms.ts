/** Attribute values by their form. DWARF 5, section 7.5.6; GNU forms per GCC's dwarf2.def. */
import { DebugInfoError, hex } from "../error.ts";
import { type Encoding, fixedFormSize } from "./abbreviations.ts";
import type { ByteReader } from "./byte-reader.ts";
import { Form } from "./constants.ts";

/** Moves past one value. Throws `bad-dwarf` for a form nobody has defined. */
export function skipForm(reader: ByteReader, form: number, encoding: Encoding): void {
  const size = fixedFormSize(form, encoding);
  if (size !== -1) {
    reader.at += size;
    return;
  }
  switch (form) {
    case Form.string:
      reader.skipString();
      return;
    case Form.udata:
    case Form.sdata:
    case Form.refUdata:
    case Form.strx:
    case Form.addrx:
    case Form.loclistx:
    case Form.rnglistx:
    case Form.gnuAddrIndex:
    case Form.gnuStrIndex:
      reader.skipLeb();
      return;
    case Form.block:
    case Form.exprloc:
      skipBytes(reader, reader.uleb());
      return;
    case Form.block1:
      skipBytes(reader, reader.u8());
      return;
    case Form.block2:
      skipBytes(reader, reader.u16());
      return;
    case Form.block4:
      skipBytes(reader, reader.u32());
      return;
    case Form.indirect:
      skipForm(reader, indirectForm(reader), encoding);
      return;
    default:
      throw new DebugInfoError(
        "bad-dwarf",
        `${reader.section}: at ${hex(reader.at)}: unknown form ${hex(form)}`,
      );
  }
}

function skipBytes(reader: ByteReader, length: number): void {
  reader.at += length;
}

/** The form a value really has: DW_FORM_indirect stores it before the value. */
export const actualForm = (reader: ByteReader, form: number): number =>
  form === Form.indirect ? indirectForm(reader) : form;

/** The form that follows; an indirect one that names itself again would recurse for ever. */
function indirectForm(reader: ByteReader): number {
  const form = reader.uleb();
  if (form === Form.indirect || form === Form.implicitConst) {
    throw new DebugInfoError(
      "bad-dwarf",
      `${reader.section}: at ${hex(reader.at)}: DW_FORM_indirect names form ${hex(form)}`,
    );
  }
  return form;
}

/**
 * The number a value holds as it is stored: an address, a constant, an offset, or an index, which the
 * form tells. 0 for forms that hold no number; they are skipped.
 */
export function readNumber(
  reader: ByteReader,
  form: number,
  constant: number,
  encoding: Encoding,
): number {
  switch (form) {
    case Form.implicitConst:
      return constant;
    case Form.flagPresent:
      return 1;
    case Form.sdata:
      return reader.sleb();
    case Form.udata:
    case Form.refUdata:
    case Form.strx:
    case Form.addrx:
    case Form.rnglistx:
    case Form.loclistx:
    case Form.gnuAddrIndex:
    case Form.gnuStrIndex:
      return reader.uleb();
    case Form.strx3:
    case Form.addrx3:
      return reader.u24();
    case Form.string: {
      const at = reader.at;
      reader.skipString();
      return at;
    }
    default: {
      const size = fixedFormSize(form, encoding);
      if (size === 1 || size === 2 || size === 4 || size === 8) return reader.sized(size);
      skipForm(reader, form, encoding);
      return 0;
    }
  }
}
