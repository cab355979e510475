/** String values by their form. DWARF 5, sections 7.5.5 ("string") and 7.26. */
import { MAX_NAME_BYTES } from "../limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { Form } from "./constants.ts";
import type { DwarfSections } from "./sections.ts";
import type { Unit, Value } from "./unit.ts";

/** Text of a string value; null when it points outside its section, or into a companion that is not here. */
export function stringOf(
  unit: Unit,
  value: Value,
  supplement: DwarfSections | null,
): string | null {
  const { sections } = unit;
  switch (value.form) {
    case Form.string:
      return textAt(sections, sections.info, value.number);
    case Form.strp:
      return textAt(sections, sections.str, value.number);
    case Form.lineStrp:
      return textAt(sections, sections.lineStr, value.number);
    case Form.strpSup:
    case Form.gnuStrpAlt:
      return supplement === null ? null : textAt(supplement, supplement.str, value.number);
    case Form.strx:
    case Form.strx1:
    case Form.strx2:
    case Form.strx3:
    case Form.strx4:
    case Form.gnuStrIndex:
      return indexedText(unit, value.number);
    default:
      return null;
  }
}

function indexedText(unit: Unit, index: number): string | null {
  const at = unit.strOffsetsBase + index * unit.offsetSize;
  const { sections } = unit;
  if (at + unit.offsetSize > sections.strOffsets.length) return null;
  const reader = new ByteReader(
    sections.strOffsets,
    sections.littleEndian,
    ".debug_str_offsets",
    at,
  );
  return textAt(sections, sections.str, reader.offset(unit.offsetSize));
}

/** The zero-terminated UTF-8 text at `at`, cut to MAX_NAME_BYTES; null outside the section. */
function textAt({ budget }: DwarfSections, section: Uint8Array, at: number): string | null {
  if (at >= section.length) return null;
  const most = Math.min(section.length, at + MAX_NAME_BYTES);
  let end = at;
  while (end < most && section[end] !== 0) end += 1;
  budget.spend("MAX_ALL_NAME_BYTES", end - at);
  return Buffer.from(section.buffer, section.byteOffset + at, end - at).toString("utf8");
}
