/** What the sections of a native file say of others: where its other halves are, and which split units it has or wants. */
import {
  altLink,
  debugLink,
  identifyNative,
  openElf,
  skeletonIds,
  splitUnitIds,
} from "@faultline/debuginfo";
import type { NativeLinks } from "@faultline/shared";
import { OpenFiles } from "@faultline/symbols";

const nothing: NativeLinks = {
  debugLink: null,
  debugLinkCrc: null,
  altLink: null,
  altLinkBuildId: null,
  providedUnits: [],
  wantedUnits: [],
};

/** Characters of a companion's name that are kept. */
const MAX_LINK_CHARS = 1_000;
/** Hexadecimal digits of a supplementary file's build id; a longer one names none that could be uploaded. */
const MAX_ID_CHARS = 128;

/** Throws DebugInfoError for what cannot be read. */
export function examineFile(path: string): NativeLinks {
  using files = new OpenFiles();
  const source = files.open(path);
  const { kind, hasDebugInfo, hasSplitUnits } = identifyNative(source);
  if (kind === "breakpad") return nothing;
  const elf = openElf(source);
  const debug = debugLink(elf);
  const alt = altLink(elf);
  const hasSkeletons = hasDebugInfo && (kind === "object" || kind === "debug");
  return {
    debugLink: debug?.file.slice(0, MAX_LINK_CHARS) ?? null,
    debugLinkCrc: debug?.crc ?? null,
    altLink: alt?.file.slice(0, MAX_LINK_CHARS) ?? null,
    altLinkBuildId: alt === null || alt.buildId.length > MAX_ID_CHARS ? null : alt.buildId,
    providedUnits: hasSplitUnits ? splitUnitIds(elf) : [],
    wantedUnits: hasSkeletons ? skeletonIds(elf) : [],
  };
}
