/** Reads a symbol cache: a binary search over blocks, then at most BLOCK_ENTRIES entries are stepped over. */
import { DebugInfoError, hex } from "../error.ts";
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
  Section,
  SECTION_COUNT,
} from "./format.ts";
import { MAX_INLINE_DEPTH } from "../limits.ts";
import { unwindLookup } from "../unwind/lookup.ts";
import type { UnwindRules } from "../unwind/rules.ts";
import { LebReader } from "./leb-reader.ts";
import { lastAtOrBelow } from "./search.ts";

/** One level of the answer; null where nothing is known. */
export interface SourceFrame {
  readonly function: string | null;
  /** As the linker knows it; null when the function has no other name. */
  readonly linkageName: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** Inlined into the frame behind it. */
  readonly inline: boolean;
}

/** What `find` found; one object a cache, overwritten by the next call: no garbage a lookup. */
export interface Location {
  scope: number;
  file: number;
  line: number;
  column: number;
}

/** Bytes of a cache by what they are for. */
export interface CacheSizes {
  readonly rowBytes: number;
  readonly nameBytes: number;
  readonly unwindBytes: number;
}

export interface SymbolCache {
  readonly info: CacheInfo;
  readonly sizes: CacheSizes;
  /** The innermost location at an address relative to the load base; false in gaps. */
  find(relative: number, into: Location): boolean;
  /** The frames at an address relative to the load base, innermost first; empty in gaps. */
  frames(relative: number): readonly SourceFrame[];
  /** How to unwind from an address relative to the load base; null where no table covers it. */
  unwindRules(relative: number): UnwindRules | null;
}

/** Throws DebugInfoError `bad-cache`, or `cache-version` for one that must be built anew. */
export function openCache(bytes: Uint8Array): SymbolCache {
  const sections = openSections(bytes);
  const section = (index: number): Uint8Array => sections[index] as Uint8Array;
  const blocks = words(section(Section.blocks));
  const entries = new LebReader(section(Section.entries));
  const scopes = words(section(Section.scopes));
  const functions = words(section(Section.functions));
  const files = words(section(Section.files));
  const text = stringReader(section(Section.strings));
  const scopeCount = scopes.length / SCOPE_COLUMNS;
  const functionCount = functions.length / 2;
  const fileCount = files.length / 2;
  const scopeValue = (column: number, scope: number): number =>
    scopes[column * scopeCount + scope] ?? 0;
  const fileName = (file: number): string | null =>
    file === 0 || file >= fileCount
      ? null
      : text(files[file] ?? 0) + text(files[fileCount + file] ?? 0);

  const frame = (scope: number, file: number, line: number, column: number): SourceFrame => {
    const id = scopeValue(0, scope);
    return {
      function: text(functions[id] ?? 0) || null,
      linkageName: text(functions[functionCount + id] ?? 0) || null,
      file: fileName(file),
      line: line || null,
      column: column || null,
      inline: scopeValue(1, scope) !== NO_SCOPE,
    };
  };

  const find = (relative: number, into: Location): boolean =>
    findEntry(blocks, entries, relative, into);
  const found: Location = { scope: 0, file: 0, line: 0, column: 0 };
  return {
    info: readInfo(section(Section.info)),
    sizes: sizesOf(sections),
    find,
    unwindRules: unwindLookup(
      words(section(Section.unwindIndex)),
      section(Section.unwindRows),
      section(Section.unwindRules),
    ),
    frames(relative) {
      const frames: SourceFrame[] = [];
      if (!find(relative, found)) return frames;
      let { scope, file, line, column } = found;
      while (scope < scopeCount && frames.length <= MAX_INLINE_DEPTH) {
        frames.push(frame(scope, file, line, column));
        file = scopeValue(2, scope);
        line = scopeValue(3, scope);
        column = scopeValue(4, scope);
        scope = scopeValue(1, scope);
      }
      return frames;
    },
  };
}

function sizesOf(sections: readonly Uint8Array[]): CacheSizes {
  const sum = (...indexes: readonly number[]): number =>
    indexes.reduce((bytes, index) => bytes + (sections[index] as Uint8Array).length, 0);
  return {
    rowBytes: sum(Section.blocks, Section.entries, Section.scopes),
    nameBytes: sum(Section.functions, Section.files, Section.strings),
    unwindBytes: sum(Section.unwindIndex, Section.unwindRows, Section.unwindRules),
  };
}

function readInfo(bytes: Uint8Array): CacheInfo {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as CacheInfo;
  } catch (error) {
    throw new DebugInfoError("bad-cache", `cache info: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function openSections(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length < HEADER_BYTES)
    throw new DebugInfoError(
      "bad-cache",
      `cache header: need ${HEADER_BYTES} bytes at 0x0, have ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC)
    throw new DebugInfoError(
      "bad-cache",
      `cache magic at 0x0: wanted ${hex(MAGIC)}, found ${hex(magic)}`,
    );
  const version = view.getUint32(4, true);
  if (version !== CACHE_VERSION)
    throw new DebugInfoError(
      "cache-version",
      `cache version at 0x4: wanted ${CACHE_VERSION}, found ${version}`,
    );
  return Array.from({ length: SECTION_COUNT }, (_, index) => {
    const offset = view.getUint32(16 + 8 * index, true);
    const length = view.getUint32(20 + 8 * index, true);
    if (offset % 8 !== 0 || offset + length > bytes.length) {
      throw new DebugInfoError(
        "bad-cache",
        `cache section ${index}: ${length} bytes at ${hex(offset)}, the file has ${bytes.length}`,
      );
    }
    return bytes.subarray(offset, offset + length);
  });
}

/** No copy where the bytes are aligned, as in a file read whole. */
function words(bytes: Uint8Array): Uint32Array {
  const count = Math.floor(bytes.length / 4);
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  return new Uint32Array(bytes.slice(0, count * 4).buffer);
}

function stringReader(bytes: Uint8Array): (offset: number) => string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (offset) => {
    let at = offset;
    let length = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return buffer.toString("utf8", at, Math.min(at + length, bytes.length));
  };
}

/** Steps over a block's entries up to the one that covers `target`. */
function findEntry(
  blocks: Uint32Array,
  entries: LebReader,
  target: number,
  into: Location,
): boolean {
  const count = blocks.length >>> 1;
  const block = lastAtOrBelow(blocks, count, target);
  if (block === -1) return false;
  let address = blocks[block] as number;
  entries.at = blocks[count + block] as number;
  let known = false;
  into.scope = 0;
  into.file = 0;
  into.line = 0;
  for (let left = BLOCK_ENTRIES; left > 0 && entries.at < entries.bytes.length; left -= 1) {
    const head = entries.bytes[entries.at++] as number;
    const distance = head >>> DISTANCE_SHIFT;
    address += distance === LONG_DISTANCE ? entries.uleb() : distance;
    if (address > target) break;
    known = (head & EntryBit.gap) === 0;
    if (!known) continue;
    if ((head & EntryBit.scope) !== 0) into.scope += entries.sleb();
    if ((head & EntryBit.file) !== 0) into.file = entries.uleb();
    into.line += entries.sleb();
    into.column = entries.uleb();
  }
  return known;
}
