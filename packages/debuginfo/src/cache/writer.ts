/** Writes a symbol cache; the layout heads format.ts. */
import { hex } from "../error.ts";
import { ByteSink } from "./byte-sink.ts";
import {
  BLOCK_ENTRIES,
  CACHE_VERSION,
  type CacheInfo,
  DISTANCE_SHIFT,
  EntryBit,
  HEADER_BYTES,
  LONG_DISTANCE,
  MAGIC,
  NO_SCOPE,
  SCOPE_COLUMNS,
  SECTION_COUNT,
} from "./format.ts";
import type { CacheModel } from "./model.ts";
import type { UnwindTable } from "../unwind/unwind-table.ts";
import type { RowTarget } from "./row-sink.ts";

/** Addresses beyond this distance from the load base have no place in a cache. */
const MAX_RELATIVE = 0xffff_fffe;

/** `rows` has been handed every row, `unwind` every function. */
export function writeCache(
  model: CacheModel,
  rows: RowEncoder,
  unwind: UnwindTable,
  info: CacheInfo,
): Uint8Array {
  const { blocks, entries, dropped } = rows.finish();
  const outside =
    dropped === 0 ? [] : [`${dropped} ranges lie outside ${hex(info.loadBase)} + 4 GiB`];
  const gaps = [...info.gaps, ...unwind.gaps(), ...outside];
  const tables = unwind.finish();
  const sections = [
    Buffer.from(JSON.stringify({ ...info, gaps })),
    transposed(blocks, 2),
    entries,
    transposed(model.scopes.view(), SCOPE_COLUMNS),
    transposed(model.functions, 2),
    transposed(model.files, 2),
    model.strings.bytes(),
    transposed(tables.index, 2),
    tables.rows,
    tables.rules,
  ];
  return assemble(sections);
}

function assemble(sections: readonly Uint8Array[]): Uint8Array {
  let at = align8(HEADER_BYTES);
  const offsets = sections.map((section) => {
    const offset = at;
    at = align8(at + section.length);
    return offset;
  });
  const file = new Uint8Array(at);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, CACHE_VERSION, true);
  view.setUint32(8, SECTION_COUNT, true);
  sections.forEach((section, index) => {
    const offset = offsets[index] as number;
    view.setUint32(16 + 8 * index, offset, true);
    view.setUint32(20 + 8 * index, section.length, true);
    file.set(section, offset);
  });
  return file;
}

const align8 = (at: number): number => Math.ceil(at / 8) * 8;

/** Rows of `width` numbers to one array a column. */
function transposed(values: ArrayLike<number>, width: number): Uint8Array {
  const count = values.length / width;
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  let from = 0;
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < width; column += 1)
      view.setUint32((column * count + row) * 4, values[from++] as number, true);
  return bytes;
}

/** Takes rows by address and codes them, one entry for those that touch and answer the same. */
export class RowEncoder implements RowTarget {
  private readonly encoder = new EntryEncoder();
  private readonly loadBase: number;
  private dropped = 0;
  private end = 0;
  /** What the last entry answers. */
  private scope = -1;
  private file = 0;
  private line = 0;
  private column = 0;

  constructor(loadBase: number) {
    this.loadBase = loadBase;
  }

  add(from: number, to: number, scope: number, file: number, line: number, column: number): void {
    const start = Math.max(from - this.loadBase, this.end);
    const stop = to - this.loadBase;
    if (stop <= start || stop > MAX_RELATIVE) {
      if (stop <= 0 || stop > MAX_RELATIVE) this.dropped += 1;
      return;
    }
    const apart = start > this.end || this.scope === -1;
    if (apart) this.encoder.gap(this.end);
    if (apart || !this.answers(scope, file, line, column)) {
      this.encoder.row(start, scope, file, line, column);
      this.scope = scope;
      this.file = file;
      this.line = line;
      this.column = column;
    }
    this.end = stop;
  }

  finish(): { blocks: readonly number[]; entries: Uint8Array; dropped: number } {
    if (this.end > 0) this.encoder.gap(this.end);
    const { blocks, entries } = this.encoder;
    return { blocks, entries: entries.view(), dropped: this.dropped };
  }

  private answers(scope: number, file: number, line: number, column: number): boolean {
    return (
      scope === this.scope && file === this.file && line === this.line && column === this.column
    );
  }
}

class EntryEncoder {
  readonly blocks: number[] = [];
  readonly entries = new ByteSink();
  private inBlock = BLOCK_ENTRIES;
  private address = 0;
  private scope = 0;
  private file = 0;
  private line = 0;
  private inGap = false;

  gap(address: number): void {
    if (this.inGap) return;
    this.begin(address);
    this.head(address, EntryBit.gap);
    this.inGap = true;
  }

  row(address: number, scope: number, file: number, line: number, column: number): void {
    if (scope === NO_SCOPE) return this.gap(address);
    this.begin(address);
    const bits =
      (scope === this.scope ? 0 : EntryBit.scope) | (file === this.file ? 0 : EntryBit.file);
    this.head(address, bits);
    if (scope !== this.scope) this.entries.sleb(scope - this.scope);
    if (file !== this.file) this.entries.uleb(file);
    this.entries.sleb(line - this.line);
    this.entries.uleb(column);
    this.scope = scope;
    this.file = file;
    this.line = line;
    this.inGap = false;
  }

  private begin(address: number): void {
    if (this.inBlock < BLOCK_ENTRIES) return;
    this.blocks.push(address, this.entries.length);
    this.inBlock = 0;
    this.address = address;
    this.scope = 0;
    this.file = 0;
    this.line = 0;
  }

  private head(address: number, bits: number): void {
    const distance = address - this.address;
    const short = Math.min(distance, LONG_DISTANCE);
    this.entries.u8(bits | (short << DISTANCE_SHIFT));
    if (short === LONG_DISTANCE) this.entries.uleb(distance);
    this.address = address;
    this.inBlock += 1;
  }
}
