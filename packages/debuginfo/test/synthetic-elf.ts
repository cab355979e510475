/** Objects made to measure: ELF files with the sections given, and bytes of DWARF. */

/** Integers of a byte order; the two's complement of negative ones. */
export interface Integers {
  readonly u16: (value: number) => number[];
  readonly u32: (value: number) => number[];
  readonly u64: (value: number | bigint) => number[];
}

const bigEndian = (value: number | bigint, bytes: number): number[] => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return [...buffer.subarray(8 - bytes)];
};

export const integers = (littleEndian: boolean): Integers => {
  const of =
    (bytes: number) =>
    (value: number | bigint): number[] =>
      littleEndian ? bigEndian(value, bytes).reverse() : bigEndian(value, bytes);
  return { u16: of(2), u32: of(4), u64: of(8) };
};

export const { u16, u32, u64 } = integers(true);

export function uleb(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low | 0x80, ...uleb(Math.floor(value / 128))];
}

export function sleb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  return rest === ((low & 0x40) === 0 ? 0 : -1) ? [low] : [low | 0x80, ...sleb(rest)];
}

/** What differs from a shared object of x86-64. */
export interface Kind {
  readonly is64?: boolean;
  readonly littleEndian?: boolean;
  /** e_machine. */
  readonly machine?: number;
  /** Of sections, by name; 0 for the others. */
  readonly addresses?: Readonly<Record<string, number>>;
  /** Sections with a PT_LOAD segment of their own, and its address. */
  readonly loaded?: Readonly<Record<string, number>>;
  /** sh_type of sections, by name, and the section that sh_link names; 1 (PROGBITS) and none for the others. */
  readonly types?: Readonly<Record<string, readonly [type: number, link: string]>>;
}

/** `.text` at 0x1000 is always there, 0x2000 bytes long, without bytes in the file. */
export function elfWith(
  sections: Readonly<Record<string, Uint8Array>>,
  {
    is64 = true,
    littleEndian = true,
    machine = 62,
    addresses = {},
    types = {},
    loaded = {},
  }: Kind = {},
): Uint8Array {
  const { u16: half, u32: word, u64: long } = integers(littleEndian);
  const own = (value: number): number[] => (is64 ? long(value) : word(value));
  const headerSize = is64 ? 64 : 52;
  const segmentSize = is64 ? 56 : 32;
  const segments = Object.entries(loaded);
  const names = ["", ".text", ...Object.keys(sections), ".shstrtab"];
  const strings = Buffer.from(`${names.join("\0")}\0`, "latin1");
  const nameAt = (index: number): number =>
    names.slice(0, index).join("\0").length + (index > 0 ? 1 : 0);
  const bodies = [...Object.values(sections), strings];
  let at = headerSize + segmentSize * segments.length;
  const offsets = bodies.map((body) => {
    const offset = at;
    at += body.length;
    return offset;
  });
  const record = (
    index: number,
    type: number,
    flags: number,
    offset: number,
    size: number,
    address = addresses[names[index] ?? ""] ?? 0,
  ) =>
    Buffer.from([
      ...[nameAt(index), type].flatMap(word),
      ...[flags, address, offset, size].flatMap(own),
      ...[Math.max(0, names.indexOf(types[names[index] ?? ""]?.[1] ?? "")), 0].flatMap(word),
      ...[1, 0].flatMap(own),
    ]);
  const ident = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1, 0, ...long(0)];
  const header = Buffer.from([
    ...ident,
    ...[3, machine].flatMap(half),
    ...word(1),
    ...[0, segments.length === 0 ? 0 : headerSize, at].flatMap(own),
    ...word(0),
    ...[
      headerSize,
      segmentSize,
      segments.length,
      is64 ? 64 : 40,
      names.length,
      names.length - 1,
    ].flatMap(half),
  ]);
  const segmentTable = segments.map(([name, address]) => {
    const body = names.indexOf(name) - 2;
    const size = bodies[body]?.length ?? 0;
    const place = [offsets[body] ?? 0, address, address, size, size];
    return Buffer.from(
      is64
        ? [...[1, 4].flatMap(word), ...[...place, 8].flatMap(own)]
        : [...word(1), ...[...place, 4, 8].flatMap(own)],
    );
  });
  return Buffer.concat([
    header,
    ...segmentTable,
    ...bodies,
    Buffer.alloc(is64 ? 64 : 40),
    record(1, 8, 6, 0, 0x2000, 0x1000),
    ...bodies.map((body, index) =>
      record(
        index + 2,
        types[names[index + 2] ?? ""]?.[0] ?? 1,
        0,
        offsets[index] ?? 0,
        body.length,
      ),
    ),
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
