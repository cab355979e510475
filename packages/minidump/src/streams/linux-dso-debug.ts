/**
 * LinuxDsoDebug: what the dynamic linker had loaded (Breakpad, minidump_format.h, MDRawDebug32/64
 * and MDRawLinkMap32/64).
 */
import { struct, u32, u64 } from "@faultline/bytes";
import { MAX_MODULES, within } from "../limits.ts";
import { wordSize } from "../platform.ts";
import { word } from "../records.ts";
import type { Stream } from "../stream.ts";

export interface LoadedObject {
  /** What is added to the object's own addresses. */
  readonly bias: bigint;
  /** Empty for the program itself. */
  readonly path: string;
  /** Address of its dynamic section. */
  readonly dynamic: bigint;
}

export interface LinuxDsoDebug {
  /** Where the dynamic linker itself is. */
  readonly linkerBase: bigint;
  /** Address of the program's dynamic section. */
  readonly dynamic: bigint;
  /** In the order in which symbols are looked up. */
  readonly objects: readonly LoadedObject[];
}

/** Both 64-bit records have the padding of the C compiler. */
const Debug64 = struct("MDRawDebug64", {
  version: u32,
  map: u32,
  dsoCount: u32,
  padding: u32,
  brk: u64,
  ldbase: u64,
  dynamic: u64,
});
const LinkMap64 = struct("MDRawLinkMap64", { addr: u64, name: u32, padding: u32, ld: u64 });

const Debug32 = struct("MDRawDebug32", {
  version: u32,
  map: u32,
  dsoCount: u32,
  brk: word,
  ldbase: word,
  dynamic: word,
});
const LinkMap32 = struct("MDRawLinkMap32", { addr: word, name: u32, ld: word });

/** The dynamic section's bytes, which follow the record, are left out. */
export const LinuxDsoDebug: Stream<LinuxDsoDebug> = {
  type: 0x4767000a,
  read({ cursor, file, platform }) {
    const { offset } = cursor;
    const wide = wordSize(platform().cpu) === 8;
    const { map, dsoCount, ldbase, dynamic } = (wide ? Debug64 : Debug32).read(cursor);
    within(MAX_MODULES, "MAX_MODULES", dsoCount, "MDRawDebug.dso_count", offset);
    const dataSize = dsoCount * (wide ? 24 : 12);
    const entries = file.cursor({ rva: map, dataSize }, "MDRawDebug.map");
    return {
      linkerBase: ldbase,
      dynamic,
      objects: Array.from({ length: dsoCount }, () => {
        const { addr, name, ld } = (wide ? LinkMap64 : LinkMap32).read(entries);
        return { bias: addr, path: file.utf16At(name, "MDRawLinkMap.name"), dynamic: ld };
      }),
    };
  },
};
