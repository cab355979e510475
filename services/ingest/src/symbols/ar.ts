/** Members of an archive of objects (`.a`), as collections of .dwo files are; each is read as it is asked for. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type ArchiveMember, archiveMembers } from "@faultline/debuginfo/archive";
import { type ByteSource, DebugInfoError } from "@faultline/debuginfo/identify";
import { ArchiveError, type Member } from "./member.ts";

const CHUNK_BYTES = 64 * 1024;

/** `count` is told of every byte that is read of a member and throws when they are too many. Throws ArchiveError. */
export async function* arMembers(
  path: string,
  count: (bytes: number) => void,
): AsyncGenerator<Member> {
  const handle = openSync(path, "r");
  try {
    for (const member of membersOf(sourceOf(handle))) yield memberOf(member, count);
  } finally {
    closeSync(handle);
  }
}

/** They are not packed, so that an archive holds no more than its own bytes. */
function membersOf(source: ByteSource): readonly ArchiveMember[] {
  try {
    return archiveMembers(source);
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    throw new ArchiveError(error.message, { cause: error });
  }
}

const memberOf = ({ name, source }: ArchiveMember, count: (bytes: number) => void): Member => ({
  name,
  kind: "file",
  size: source.size,
  obstacle: null,
  open: () => contentOf(source, count),
});

async function* contentOf(
  source: ByteSource,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < source.size; at += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, source.size - at);
    count(length);
    yield Buffer.from(source.read(at, length));
  }
}

const sourceOf = (handle: number): ByteSource => ({
  size: fstatSync(handle).size,
  read(offset, length) {
    const bytes = Buffer.alloc(length);
    readSync(handle, bytes, 0, length, offset);
    return bytes;
  },
});
