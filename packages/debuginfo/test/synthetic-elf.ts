/** Objects made to measure: 64-bit little-endian ELF files with the sections given, and bytes of DWARF. */

export const u16 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
export const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
export const u64 = (value: number | bigint): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return [...bytes];
};

export function uleb(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low | 0x80, ...uleb(Math.floor(value / 128))];
}

const HEADER = 64;
const SECTION = 64;

/** `.text` at 0x1000 is always there, 0x2000 bytes long, without bytes in the file. */
export function elfWith(sections: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const names = ["", ".text", ...Object.keys(sections), ".shstrtab"];
  const strings = Buffer.from(`${names.join("\0")}\0`, "latin1");
  const nameAt = (index: number): number =>
    names.slice(0, index).join("\0").length + (index > 0 ? 1 : 0);
  const bodies = [...Object.values(sections), strings];
  let at = HEADER;
  const offsets = bodies.map((body) => {
    const offset = at;
    at += body.length;
    return offset;
  });
  const record = (
    index: number,
    type: number,
    flags: number,
    address: number,
    offset: number,
    size: number,
  ) =>
    Buffer.from([
      ...u32(nameAt(index)),
      ...u32(type),
      ...u64(flags),
      ...u64(address),
      ...u64(offset),
      ...u64(size),
      ...u32(0),
      ...u32(0),
      ...u64(1),
      ...u64(0),
    ]);
  const header = Buffer.from([
    0x7f,
    0x45,
    0x4c,
    0x46,
    2,
    1,
    1,
    0,
    ...u64(0),
    ...u16(3),
    ...u16(62),
    ...u32(1),
    ...u64(0),
    ...u64(0),
    ...u64(at),
    ...u32(0),
    ...[HEADER, 0, 0].flatMap(u16),
    ...[SECTION, names.length, names.length - 1].flatMap(u16),
  ]);
  return Buffer.concat([
    header,
    ...bodies,
    Buffer.alloc(SECTION),
    record(1, 8, 6, 0x1000, 0, 0x2000),
    ...bodies.map((body, index) => record(index + 2, 1, 0, 0, offsets[index] ?? 0, body.length)),
  ]);
}

/** A unit of DWARF 4 around the bytes of its entries. */
export const unit4 = (entries: Uint8Array, abbreviations = 0): Uint8Array =>
  Buffer.concat([
    Buffer.from([...u32(7 + entries.length), ...u16(4), ...u32(abbreviations), 8]),
    entries,
  ]);

/** [code, tag, has children, attribute, form, …] of each abbreviation. */
export const abbreviations = (...table: readonly (readonly number[])[]): Uint8Array =>
  Buffer.from([
    ...table.flatMap(([code = 0, tag = 0, children = 0, ...attributes]) => [
      ...uleb(code),
      ...uleb(tag),
      children,
      ...attributes.flatMap(uleb),
      0,
      0,
    ]),
    0,
  ]);
