export { type ArchiveMember, archiveMembers, isArchive, openSplit } from "./archive.ts";
export { bytesSource, type ByteSource } from "./byte-source.ts";
export {
  type AltLink,
  altLink,
  type DebugLink,
  debugLink,
  debugLinkCrc,
} from "./elf/companion-links.ts";
export { buildId, debugIdOf, noteBuildId } from "./elf/build-id.ts";
export { type ElfFile, isElf, openElf, type Section, type Segment } from "./elf/elf-file.ts";
export { packedMiniDebugInfo } from "./elf/mini-debug-info.ts";
export { findSection, sectionData } from "./elf/section-data.ts";
export { DebugInfoError, type DebugInfoErrorCode } from "./error.ts";
export { buildCache, type ObjectFiles, type SplitName, splitNames } from "./cache/build.ts";
export { CACHE_VERSION, type CacheInfo } from "./cache/format.ts";
export type { Demangle } from "./cache/function-symbols.ts";
export { type Location, openCache, type SourceFrame, type SymbolCache } from "./cache/reader.ts";
export { buildBreakpadCache } from "./breakpad/build.ts";
export { isBreakpad } from "./breakpad/module-record.ts";
export { skeletonIds, splitUnitIds } from "./dwarf/split-ids.ts";
export { identifyNative, type NativeIdentity, type NativeKind } from "./identify.ts";
export type { CfaRule, RegisterRule, UnwindRules } from "./unwind/rules.ts";
