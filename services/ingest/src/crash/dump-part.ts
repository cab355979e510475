/**
 * Recognises a minidump among the files of a body: by its first bytes, or because it is called one.
 *
 * Crashpad and Breakpad call it `upload_file_minidump`, further ones `upload_file_minidump_<suffix>`. A sender
 * may have packed it; Electron's old sender on Linux put a whole multipart body into the field.
 */
import { readMultipart } from "../body/multipart.ts";
import { peek } from "../body/peek.ts";
import { unpacked } from "../body/source.ts";
import { emptyDump } from "./attachments.ts";
import { isDump, noDump, shownBytes, SIGNATURE_BYTES } from "./minidump/dump.ts";

export interface LookedAt {
  readonly isDump: boolean;
  /** Unpacked where it is a dump's, and whole. */
  readonly body: AsyncIterable<Buffer>;
}

const MAIN = new Set(["minidump", "upload_file_minidump"]);
const FURTHER = "upload_file_minidump_";
/** "--", a boundary of up to 200 characters, a line end. */
const BOUNDARY_LINE_BYTES = 204;

/** What the crash's own minidump is called. */
export const isMainDump = (name: string): boolean => MAIN.has(name);

/** Throws a Problem when it is called the crash's minidump and is none. */
export async function lookForDump(name: string, file: AsyncIterable<Buffer>): Promise<LookedAt> {
  if (isMainDump(name)) return { isDump: true, body: await mainDump(name, file) };
  const isNamed = name.startsWith(FURTHER);
  const { head, body } = await peek(isNamed ? await unpacked(file) : file, SIGNATURE_BYTES);
  return { isDump: isDump(head), body };
}

async function mainDump(name: string, file: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const { head, body } = await peek(await unpacked(file), BOUNDARY_LINE_BYTES);
  if (isDump(head)) return body;
  if (head.length === 0) throw emptyDump(name);
  const inner = await insideMultipart(head, body);
  if (inner !== null) return inner;
  throw noDump({ name }, 0, "MDMP or PMDM", shownBytes(head));
}

/** The first minidump among the parts of a body that begins with its boundary; null when there is none. */
async function insideMultipart(
  head: Buffer,
  body: AsyncIterable<Buffer>,
): Promise<AsyncIterable<Buffer> | null> {
  const [, boundary] = /^--([^\r\n]{1,200})\r\n/.exec(head.toString("latin1")) ?? [];
  if (boundary === undefined) return null;
  const parts = readMultipart(body, new Map([["boundary", boundary]]));
  // no loop over `parts`: leaving it would end them, and the dump is still to be read
  for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
    const inner = await peek(next.value.body, SIGNATURE_BYTES);
    if (isDump(inner.head)) return inner.body;
  }
  return null;
}
