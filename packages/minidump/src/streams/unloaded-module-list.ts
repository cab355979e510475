/**
 * UnloadedModuleListStream: what was mapped once and is no more (minidumpapiset.h,
 * MINIDUMP_UNLOADED_MODULE_LIST).
 */
import { struct, u32, u64 } from "@faultline/bytes";
import { MAX_MODULES } from "../limits.ts";
import { peCodeId } from "../module-ids.ts";
import { readSizedList, type Stream } from "../stream.ts";

const MinidumpUnloadedModule = struct("MINIDUMP_UNLOADED_MODULE", {
  baseOfImage: u64,
  sizeOfImage: u32,
  checkSum: u32,
  timeDateStamp: u32,
  moduleNameRva: u32,
});

export interface UnloadedModule {
  readonly name: string;
  readonly base: bigint;
  readonly size: number;
  readonly codeId: string | null;
}

/** The same module is here once for each time that it was unloaded; ranges may overlap. */
export const UnloadedModuleList: Stream<readonly UnloadedModule[]> = {
  type: 14,
  read: ({ cursor, file }) =>
    readSizedList(cursor, 4, {
      what: "MINIDUMP_UNLOADED_MODULE_LIST.NumberOfEntries",
      record: MinidumpUnloadedModule,
      size: 24,
      max: MAX_MODULES,
      limit: "MAX_MODULES",
    }).map(({ baseOfImage, sizeOfImage, timeDateStamp, moduleNameRva }) => ({
      name: file.utf16At(moduleNameRva, "MINIDUMP_UNLOADED_MODULE.ModuleName"),
      base: baseOfImage,
      size: sizeOfImage,
      codeId: peCodeId(timeDateStamp, sizeOfImage),
    })),
};
