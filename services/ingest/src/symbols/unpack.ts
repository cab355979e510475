/** An uploaded file → the Python and native files in it, archives opened to a named depth. */
import {
  MAX_ARCHIVE_DEPTH,
  MAX_PYTHON_FILE_BYTES,
  MAX_SYMBOL_UPLOAD_BYTES,
  MAX_UNPACKED_BYTES,
} from "@faultline/shared";
import { isArchive } from "@faultline/debuginfo/archive";
import { MAX_ARCHIVE_ENTRIES, UNPACK_TIMEOUT_MS } from "../limits.ts";
import { peek } from "../body/peek.ts";
import { arMembers } from "./ar.ts";
import { readMemberName, type PythonName } from "./member-name.ts";
import { ArchiveError, type Member } from "./member.ts";
import { isNative, NATIVE_HEAD_BYTES } from "./native-draft.ts";
import { tarMembers } from "./tar.ts";
import type { UploadedFile, UploadFolder } from "./upload-folder.ts";
import { zipMembers } from "./zip.ts";

/** Where what is found goes. `name`: the way to the file, archives joined by "!/" ("app.zip!/app/jobs.py"). */
export interface Findings {
  python(name: string, python: PythonName, bytes: Buffer): Promise<void>;
  /** `body` need not be read to its end. */
  native(name: string, body: AsyncIterable<Buffer>): Promise<void>;
  refused(name: string, reason: string): void;
  skipped(): void;
}

/** What one upload may still use up. */
export interface Budget {
  entries: number;
  unpackedBytes: number;
}

export const newBudget = (): Budget => ({
  entries: MAX_ARCHIVE_ENTRIES,
  unpackedBytes: MAX_UNPACKED_BYTES,
});

interface Work {
  readonly folder: UploadFolder;
  readonly findings: Findings;
  readonly budget: Budget;
  readonly deadline: number;
}

/** Reads one file of the upload; whatever is wrong with it is a finding. */
export async function unpack(
  name: string,
  file: UploadedFile,
  folder: UploadFolder,
  findings: Findings,
  budget: Budget,
): Promise<void> {
  const member = readMemberName(name);
  const deadline = Date.now() + UNPACK_TIMEOUT_MS;
  const work: Work = { folder, findings, budget, deadline };
  switch (member.use) {
    case "refused":
      return findings.refused(name, member.reason);
    case "archive":
    case "nothing":
      return await openArchive(name, file, 1, work);
    case "pyc":
    case "source":
      if (file.size > MAX_PYTHON_FILE_BYTES) return findings.refused(name, tooLongPython);
      return await findings.python(name, member, await file.bytes());
  }
}

const tooLongPython = `more than ${MAX_PYTHON_FILE_BYTES} bytes (limit MAX_PYTHON_FILE_BYTES)`;

async function openArchive(
  name: string,
  file: UploadedFile,
  depth: number,
  work: Work,
): Promise<void> {
  const { findings } = work;
  if (depth > MAX_ARCHIVE_DEPTH) {
    return findings.refused(
      name,
      `archive inside archives (limit MAX_ARCHIVE_DEPTH, ${MAX_ARCHIVE_DEPTH})`,
    );
  }
  try {
    const members = membersOf(name, file.head, await file.path(), work);
    if (members === null) {
      return findings.refused(
        name,
        "neither .pyc, .py, ELF, Breakpad .sym nor an archive (zip, whl, tar, tar.gz, tar.zst, a)",
      );
    }
    for await (const member of members) {
      spend(work.budget, "entries", 1, "MAX_ARCHIVE_ENTRIES", MAX_ARCHIVE_ENTRIES);
      if (Date.now() > work.deadline)
        throw new ArchiveError(
          `took longer than ${UNPACK_TIMEOUT_MS} ms (limit UNPACK_TIMEOUT_MS)`,
        );
      await readMember(`${name}!/${member.name}`, member, depth, work);
    }
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    findings.refused(name, error.message);
  }
}

async function readMember(name: string, member: Member, depth: number, work: Work): Promise<void> {
  const { findings } = work;
  const known = readMemberName(member.name);
  if (known.use === "refused") return findings.refused(name, known.reason);
  const isFile = member.kind === "file" && member.obstacle === null;
  if (member.kind === "folder" || (known.use === "nothing" && !isFile)) return findings.skipped();
  if (member.kind !== "file") return findings.refused(name, `a ${member.kind}, not a file`);
  if (member.obstacle !== null) return findings.refused(name, member.obstacle);
  if ((known.use === "pyc" || known.use === "source") && member.size > MAX_PYTHON_FILE_BYTES)
    return findings.refused(name, tooLongPython);
  try {
    if (known.use === "archive") await readInnerArchive(name, member, depth, work);
    else if (known.use === "nothing") await readNative(name, member, findings);
    else await findings.python(name, known, await pythonBytes(member));
  } catch (error) {
    // A limit of the whole upload, or a stream that cannot go on, ends the archive; a damaged member only itself.
    if (!(error instanceof MemberError)) throw error;
    findings.refused(name, error.message);
  }
}

/** Only this member is refused. */
class MemberError extends Error {
  override readonly name = "MemberError";
}

async function readInnerArchive(
  name: string,
  member: Member,
  depth: number,
  work: Work,
): Promise<void> {
  if (depth >= MAX_ARCHIVE_DEPTH) {
    throw new MemberError(
      `archive inside archives (limit MAX_ARCHIVE_DEPTH, ${MAX_ARCHIVE_DEPTH})`,
    );
  }
  const inner = await work.folder.receive(contentOf(member));
  try {
    await openArchive(name, inner, depth + 1, work);
  } finally {
    await inner.discard();
  }
}

/** Objects have all kinds of names, and none: their first bytes tell. */
async function readNative(name: string, member: Member, findings: Findings): Promise<void> {
  const content = contentOf(member);
  try {
    const { head, body } = await peek(content, NATIVE_HEAD_BYTES);
    if (!isNative(head)) return findings.skipped();
    if (member.size <= MAX_SYMBOL_UPLOAD_BYTES) return await findings.native(name, body);
    findings.refused(
      name,
      `more than ${MAX_SYMBOL_UPLOAD_BYTES} bytes (limit MAX_SYMBOL_UPLOAD_BYTES)`,
    );
  } finally {
    await content.return(undefined);
  }
}

/** No longer than `member.size`, which was looked at before. */
async function pythonBytes(member: Member): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of contentOf(member)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Damage is the member's own; should the archive not be able to go on behind it, the next member says so. */
async function* contentOf(member: Member): AsyncGenerator<Buffer> {
  try {
    yield* member.open();
  } catch (error) {
    if (!(error instanceof ArchiveError) || error instanceof LimitError) throw error;
    throw new MemberError(error.message, { cause: error });
  }
}

/** A limit of the upload: the archive ends here. */
class LimitError extends ArchiveError {}

function spend(
  budget: Budget,
  of: keyof Budget,
  amount: number,
  limit: string,
  most: number,
): void {
  budget[of] -= amount;
  if (budget[of] < 0)
    throw new LimitError(`more than ${most} in all archives of the upload (limit ${limit})`);
}

const startsWith = (head: Buffer, ...bytes: number[]): boolean =>
  bytes.every((byte, at) => head[at] === byte);
const isZip = (head: Buffer): boolean =>
  startsWith(head, 0x50, 0x4b, 3, 4) || startsWith(head, 0x50, 0x4b, 5, 6);
const isGzip = (head: Buffer): boolean => startsWith(head, 0x1f, 0x8b, 8);
const isZstd = (head: Buffer): boolean => startsWith(head, 0x28, 0xb5, 0x2f, 0xfd);
/** POSIX.1-1988; before it tars had no magic, so the name must say it. */
const isTar = (name: string, head: Buffer): boolean =>
  head.toString("latin1", 257, 262) === "ustar" || /\.tar$/i.test(name);

function membersOf(
  name: string,
  head: Buffer,
  path: string,
  { budget }: Work,
): AsyncGenerator<Member> | null {
  const count = (bytes: number): void =>
    spend(budget, "unpackedBytes", bytes, "MAX_UNPACKED_BYTES", MAX_UNPACKED_BYTES);
  if (isZip(head)) return zipMembers(path, count);
  if (isGzip(head)) return tarMembers(path, "gzip", count);
  if (isZstd(head)) return tarMembers(path, "zstd", count);
  if (isArchive(head)) return arMembers(path, count);
  return isTar(name, head) ? tarMembers(path, "none", count) : null;
}
