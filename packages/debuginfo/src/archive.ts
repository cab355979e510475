/**
 * Archives of objects (`.a`), as static libraries and collections of .dwo files are.
 *
 * ar(5): a header of 60 characters before each member. Long names as GNU has them (in a member "//") and as BSD has
 * (before the member's bytes). Left out: thin archives, whose members are files elsewhere.
 */
import { type ByteSource, readRange } from "./byte-source.ts";
import { type ElfFile, isElf, openElf } from "./elf/elf-file.ts";
import { DebugInfoError, hex } from "./error.ts";
import { MAX_ARCHIVE_MEMBERS } from "./limits.ts";

export interface ArchiveMember {
  readonly name: string;
  readonly source: ByteSource;
}

const MAGIC = "!<arch>\n";
const HEADER = 60;
/** Fields of a header: where they begin and end. */
const NAME = [0, 16] as const;
const SIZE = [48, 58] as const;
const END_MARK = "`\n";

/** Whether these first bytes are an archive's. */
export const isArchive = (bytes: Uint8Array): boolean =>
  text(bytes.subarray(0, MAGIC.length)) === MAGIC;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The members that are files; nothing of them is read. Throws DebugInfoError `truncated`, `bad-header` or `limit`. */
export function archiveMembers(source: ByteSource): readonly ArchiveMember[] {
  const members: ArchiveMember[] = [];
  let longNames = "";
  for (let at = MAGIC.length; at < source.size;) {
    const header = text(readRange(source, at, HEADER, "archive member header"));
    const size = Number(header.slice(...SIZE).trim());
    if (!header.endsWith(END_MARK) || !Number.isSafeInteger(size))
      throw new DebugInfoError(
        "bad-header",
        `archive member at ${hex(at)}: wanted a size and ${JSON.stringify(END_MARK)}, found ${JSON.stringify(header.slice(SIZE[0]))}`,
      );
    if (members.length >= MAX_ARCHIVE_MEMBERS)
      throw new DebugInfoError(
        "limit",
        `archive: more than MAX_ARCHIVE_MEMBERS (${MAX_ARCHIVE_MEMBERS})`,
      );
    const start = at + HEADER;
    const name = header.slice(...NAME).trimEnd();
    if (name === "//") longNames = text(readRange(source, start, size, "archive names"));
    else members.push(...member(source, name, start, size, longNames));
    at = start + size + (size % 2);
  }
  return members;
}

/** None for tables of symbols. */
function member(
  source: ByteSource,
  name: string,
  start: number,
  size: number,
  longNames: string,
): readonly ArchiveMember[] {
  const bsd = /^#1\/(\d+)$/.exec(name);
  const nameSize = Math.min(Number(bsd?.[1] ?? 0), size);
  const shown =
    bsd === null
      ? gnuName(name, longNames)
      : text(readRange(source, start, nameSize, "archive member name")).replace(/\0+$/, "");
  if (shown === "" || shown.startsWith("__.SYMDEF")) return [];
  return [{ name: shown, source: slice(source, start + nameSize, size - nameSize) }];
}

/** "name/", or "/offset" of the name among the long ones; empty for "/" and "/SYM64/", which are tables. */
function gnuName(name: string, longNames: string): string {
  const offset = /^\/(\d+)$/.exec(name)?.[1];
  if (offset === undefined) return name.startsWith("/") ? "" : name.replace(/\/$/, "");
  return longNames.slice(Number(offset)).split("\n", 1)[0]?.replace(/\/$/, "") ?? "";
}

/** Part of a source, as far as there is one. */
function slice(source: ByteSource, start: number, size: number): ByteSource {
  return {
    size: Math.max(0, Math.min(size, source.size - start)),
    read: (offset, length) => source.read(start + offset, length),
  };
}

/** The files of split units that a .dwo, a .dwp, an object with both halves, or an archive of those holds. Throws DebugInfoError. */
export function openSplit(source: ByteSource): readonly ElfFile[] {
  if (!isArchive(source.read(0, Math.min(MAGIC.length, source.size)))) return [openElf(source)];
  return archiveMembers(source)
    .filter((each) => isElf(each.source.read(0, Math.min(4, each.source.size))))
    .map((each) => openElf(each.source));
}
