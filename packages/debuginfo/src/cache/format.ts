/**
 * The symbol cache: a file that answers "which function, line and inlined calls are at this address"
 * without parsing, and how to unwind from there. Version 2; little-endian; every section begins at a multiple of 8.
 *
 *     header     magic "FLSC", version, number of sections, 0; then for each section: offset, bytes (u32)
 *     info       JSON: ids, machine, load base, what it was built from
 *     blocks     two arrays of u32: first address, offset into `entries`; BLOCK_ENTRIES entries a block, the last may have fewer
 *     entries    the rows, byte-coded (below)
 *     scopes     five arrays of u32, one behind the other: function, parent, call file, call line, call column
 *     functions  two arrays of u32: name, linkage name (offsets into `strings`)
 *     files      two arrays of u32: directory with its closing slash, name (offsets into `strings`)
 *     strings    LEB128 length and UTF-8 bytes each; offset 0 is the empty string, "unknown"
 *     unwindIndex  two arrays of u32: first address of a piece, its offset into `unwindRows`
 *     unwindRows   of each piece ULEBs: distance from the start of its function, distance to the end, number of rows,
 *                  offset into `unwindRules`; of each further row: distance from the row before, offset
 *     unwindRules  sets of rules, see unwind/rule-codec.ts; offset 0 stands for "unknown"
 *
 * Addresses are relative to the object's load base. A scope is a function, or one call inlined into a
 * scope: its chain of parents is the stack at an address, and each call site is the line of its parent.
 *
 * An entry covers the addresses up to the next entry. Its first byte: bit 0, the scope changes (SLEB of
 * the difference follows); bit 1, the file changes (ULEB follows); bit 2, a gap: nothing is known, and
 * neither line nor column follows; bits 3 to 7, the distance from the entry before, 31: ULEB follows. Then
 * SLEB of the line's difference and ULEB of the column. At the start of a block everything counts from 0,
 * and the address from the block's first.
 *
 * A piece is up to PIECE_ROWS rows of one function's unwind table; a row holds up to the next, the last up to the
 * end of the function or the next piece.
 */
export const MAGIC = 0x4353_4c46;
export const CACHE_VERSION = 2;

export const Section = {
  info: 0,
  blocks: 1,
  entries: 2,
  scopes: 3,
  functions: 4,
  files: 5,
  strings: 6,
  unwindIndex: 7,
  unwindRows: 8,
  unwindRules: 9,
} as const;
export const SECTION_COUNT = 10;
export const HEADER_BYTES = 16 + 8 * SECTION_COUNT;

export const BLOCK_ENTRIES = 32;
export const EntryBit = { scope: 1, file: 2, gap: 4 } as const;
export const DISTANCE_SHIFT = 3;
export const LONG_DISTANCE = 31;

export const SCOPE_COLUMNS = 5;
export const NO_SCOPE = 0xffff_ffff;

/** What a cache says of its object. */
export interface CacheInfo {
  /** Lower-case hex; null for an object without one. */
  readonly buildId: string | null;
  readonly debugId: string | null;
  readonly machine: string;
  /** Virtual address that relative addresses count from. */
  readonly loadBase: number;
  /** What the names and lines came from, most telling first: "dwarf", "symtab", "gnu_debugdata", "dynsym", "breakpad". */
  readonly sources: readonly string[];
  /** What the unwind tables came from: "eh_frame", "debug_frame", "stack-cfi", "stack-win". */
  readonly unwind: readonly string[];
  /** CPython's `_PyRuntime`, its address relative to the load base, both in bytes; null where there is none. */
  readonly pythonRuntime: { readonly address: number; readonly size: number } | null;
  /** What could not be read, in words. */
  readonly gaps: readonly string[];
}
