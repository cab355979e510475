/**
 * Functions of a unit that have code, each with the calls that were inlined into it.
 *
 * Only DW_TAG_subprogram and DW_TAG_inlined_subroutine matter; everything between them (namespaces,
 * classes, lexical blocks) is transparent, and what cannot hold either is jumped over.
 * DWARF 5, sections 3.3 and 3.3.8.
 */
import { DebugInfoError, hex } from "../error.ts";
import { MAX_ENTRY_DEPTH, MAX_INLINE_DEPTH, MAX_INLINES } from "../limits.ts";
import { type Abbreviation, abbreviationOf } from "./abbreviations.ts";
import { ByteReader } from "./byte-reader.ts";
import { Attribute, Form, Tag } from "./constants.ts";
import { actualForm, readNumber, skipForm } from "./forms.ts";
import type { EntryReference } from "./names.ts";
import { type PcAttributes, type Ranges, rangesOf } from "./ranges.ts";
import type { Unit, Value } from "./unit.ts";

export interface InlinedCall {
  /** Index of the call it is inside of, -1 when directly in the function. Always smaller than its own. */
  readonly parent: number;
  readonly ranges: Ranges;
  /** The entry itself: its names come through the abstract origin. */
  readonly entry: EntryReference;
  /** Where it was called, as numbered by the unit's line program; 0 unknown. */
  readonly callFile: number;
  readonly callLine: number;
  readonly callColumn: number;
}

export interface DebugFunction {
  readonly ranges: Ranges;
  readonly entry: EntryReference;
  /** Parents before children. */
  readonly inlines: readonly InlinedCall[];
}

/** Open entries whose end is awaited: which function and which inlined call they are inside of. */
interface Open {
  readonly function: OpenFunction | null;
  readonly inline: number;
}

interface OpenFunction {
  readonly ranges: Ranges;
  readonly entry: EntryReference;
  readonly inlines: InlinedCall[];
}

/** Calls `emit` for every function with code, after its last inlined call. Throws DebugInfoError `bad-dwarf` or `truncated`. */
export function readFunctions(
  unit: Unit,
  keepZero: boolean,
  emit: (found: DebugFunction) => void,
): void {
  const { sections } = unit;
  const reader = new ByteReader(
    sections.info,
    sections.littleEndian,
    ".debug_info",
    unit.entriesAt,
  );
  const stack: Open[] = [{ function: null, inline: -1 }];
  const attributes = new EntryAttributes();
  while (reader.at < unit.end && stack.length > 0) {
    const offset = reader.at;
    const code = reader.uleb();
    if (code === 0) {
      close(stack, emit);
      continue;
    }
    const abbreviation = abbreviationOf(unit.abbreviations, code);
    if (abbreviation === undefined) {
      throw new DebugInfoError(
        "bad-dwarf",
        `.debug_info: entry at ${hex(offset)}: no abbreviation ${code}`,
      );
    }
    if (jumpsToSibling(abbreviation) && jump(unit, reader, abbreviation)) continue;
    const around = stack.at(-1) as Open;
    const inside = readEntry(unit, reader, offset, abbreviation, attributes, around, keepZero);
    reader.check("entry", unit.end);
    if (abbreviation.hasChildren) push(stack, inside, offset);
    else if (inside.function !== null && inside.function !== around.function)
      finish(inside.function, emit);
  }
  // a unit that ends without closing its entries still says what it says
  while (stack.length > 0) close(stack, emit);
}

/** Reads one entry past its attributes; answers with what its children are inside of. */
function readEntry(
  unit: Unit,
  reader: ByteReader,
  offset: number,
  abbreviation: Abbreviation,
  attributes: EntryAttributes,
  around: Open,
  keepZero: boolean,
): Open {
  switch (abbreviation.tag) {
    case Tag.subprogram:
      attributes.read(unit, reader, abbreviation);
      return openFunction(unit, offset, attributes, keepZero);
    case Tag.inlinedSubroutine:
      attributes.read(unit, reader, abbreviation);
      return openInline(unit, offset, attributes, around, keepZero);
    default:
      skipEntry(unit, reader, abbreviation);
      return around;
  }
}

function push(stack: Open[], inside: Open, offset: number): void {
  if (stack.length > MAX_ENTRY_DEPTH) {
    throw new DebugInfoError(
      "limit",
      `.debug_info: entry at ${hex(offset)}: nested deeper than MAX_ENTRY_DEPTH (${MAX_ENTRY_DEPTH})`,
    );
  }
  stack.push(inside);
}

function close(stack: Open[], emit: (found: DebugFunction) => void): void {
  const closed = stack.pop()?.function ?? null;
  if (closed !== null && closed !== stack.at(-1)?.function) finish(closed, emit);
}

function finish(found: OpenFunction, emit: (found: DebugFunction) => void): void {
  if (found.ranges.length > 0) emit(found);
}

function openFunction(
  unit: Unit,
  offset: number,
  attributes: EntryAttributes,
  keepZero: boolean,
): Open {
  const ranges = attributes.hasCode() ? rangesOf(unit, attributes, keepZero) : [];
  return { function: { ranges, entry: { supplementary: false, offset }, inlines: [] }, inline: -1 };
}

function openInline(
  unit: Unit,
  offset: number,
  attributes: EntryAttributes,
  around: Open,
  keepZero: boolean,
): Open {
  const { function: owner } = around;
  if (
    owner === null ||
    owner.ranges.length === 0 ||
    owner.inlines.length >= MAX_INLINES ||
    depthOf(owner, around.inline) >= MAX_INLINE_DEPTH
  )
    return around;
  const ranges = attributes.hasCode() ? rangesOf(unit, attributes, keepZero) : [];
  owner.inlines.push({
    parent: around.inline,
    ranges,
    entry: { supplementary: false, offset },
    callFile: attributes.callFile,
    callLine: attributes.callLine,
    callColumn: attributes.callColumn,
  });
  return { function: owner, inline: owner.inlines.length - 1 };
}

function depthOf(owner: OpenFunction, inline: number): number {
  let depth = 0;
  for (let at = inline; at !== -1; at = (owner.inlines[at] as InlinedCall).parent) depth += 1;
  return depth;
}

/** The attributes of one entry that matter here; one object reused for all entries of a unit. */
class EntryAttributes implements PcAttributes {
  lowPc: Value | null = null;
  highPc: Value | null = null;
  ranges: Value | null = null;
  callFile = 0;
  callLine = 0;
  callColumn = 0;

  hasCode(): boolean {
    return this.ranges !== null || (this.lowPc !== null && this.highPc !== null);
  }

  read(unit: Unit, reader: ByteReader, { attributes }: Abbreviation): void {
    this.lowPc = null;
    this.highPc = null;
    this.ranges = null;
    this.callFile = 0;
    this.callLine = 0;
    this.callColumn = 0;
    for (let at = 0; at < attributes.length; at += 3) {
      const form = actualForm(reader, attributes[at + 1] as number);
      const name = attributes[at] as number;
      if (isRead(name))
        this.take(name, form, readNumber(reader, form, attributes[at + 2] as number, unit));
      else skipForm(reader, form, unit);
    }
  }

  private take(name: number, form: number, number: number): void {
    if (name === Attribute.lowPc) this.lowPc = { form, number };
    else if (name === Attribute.highPc) this.highPc = { form, number };
    else if (name === Attribute.ranges) this.ranges = { form, number };
    else if (name === Attribute.callFile) this.callFile = number;
    else if (name === Attribute.callLine) this.callLine = number;
    else this.callColumn = number;
  }
}

const isRead = (name: number): boolean =>
  name === Attribute.lowPc ||
  name === Attribute.highPc ||
  name === Attribute.ranges ||
  name === Attribute.callFile ||
  name === Attribute.callLine ||
  name === Attribute.callColumn;

function skipEntry(unit: Unit, reader: ByteReader, { fixedSize, attributes }: Abbreviation): void {
  if (fixedSize !== -1) {
    reader.at += fixedSize;
    return;
  }
  for (let at = 1; at < attributes.length; at += 3)
    skipForm(reader, attributes[at] as number, unit);
}

/** DW_TAG_array_type, enumeration_type, subroutine_type: no code is ever inside them. */
const jumpsToSibling = ({ tag, hasSibling }: Abbreviation): boolean =>
  hasSibling && (tag === 0x01 || tag === 0x04 || tag === 0x15);

/** Moves to the entry's sibling; false, with the position unchanged, when that does not lie ahead. */
function jump(unit: Unit, reader: ByteReader, { attributes }: Abbreviation): boolean {
  const start = reader.at;
  for (let at = 0; at < attributes.length; at += 3) {
    const form = attributes[at + 1] as number;
    if (attributes[at] !== Attribute.sibling || form === Form.indirect) {
      skipForm(reader, form, unit);
      continue;
    }
    const target = unit.offset + readNumber(reader, form, 0, unit);
    if (target < reader.at || target > unit.end) break;
    reader.at = target;
    return true;
  }
  reader.at = start;
  return false;
}
