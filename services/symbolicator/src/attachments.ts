/** A crash's bytes: from its row, or from the blob store. */
import {
  countAttempt,
  MAX_ATTACHMENT_BYTES,
  MAX_PROCESS_ATTEMPTS,
  MAX_TEXT_BYTES,
  type Attachment,
  type BlobStore,
  type CrashInput,
  type Gap,
  type Pool,
  type StoredCrash,
} from "@faultline/shared";
import { CrashFailure } from "./failure.ts";
import { createGate } from "./gate.ts";

export interface Attachments {
  /**
   * Hands the crash's faulthandler text (several are joined) and its minidump (the first) to `work`, each null when there is
   * none. Rejects with what `missing` says when a blob is not there.
   */
  withInput<Result>(
    crash: StoredCrash,
    work: (input: CrashInput, gaps: readonly Gap[]) => Promise<Result>,
  ): Promise<Result>;
}

/** What a blob that the store does not hold means; `message` says which. */
export type Missing = (crash: StoredCrash, message: string) => Promise<Error>;

/** A crash that waits is tried again: CrashFailure only when the blob stays missing for MAX_PROCESS_ATTEMPTS tries. */
export const triedAgain =
  (pool: Pool): Missing =>
  async (crash, message) => {
    const attempts = await countAttempt(pool, crash.id);
    if (attempts < MAX_PROCESS_ATTEMPTS) return new Error(message);
    return new CrashFailure("blob", `${message}, after MAX_PROCESS_ATTEMPTS (${attempts}) tries`);
  };

/** `mostBytes`: of what is read from the store and lies in memory at once. */
export function openAttachments(
  blobs: BlobStore,
  missing: Missing,
  mostBytes: number,
): Attachments {
  const gate = createGate(mostBytes);

  async function read(crash: StoredCrash, part: Attachment, most: number): Promise<Uint8Array> {
    if (part.blob === null) return inlineBytes(crash, part);
    const bytes = await readBlob(blobs, part.blob, most);
    if (bytes !== null) return bytes;
    const name = JSON.stringify(part.name);
    throw await missing(crash, `attachment ${name}: the blob store does not hold ${part.blob}`);
  }

  async function textOf(crash: StoredCrash): Promise<Uint8Array | null> {
    const texts = ofKind(crash, "faulthandler");
    if (texts.length === 0) return null;
    const parts: Uint8Array[] = [];
    for (const text of texts) parts.push(await read(crash, text, MAX_TEXT_BYTES), lineEnd);
    return Buffer.concat(parts.slice(0, -1));
  }

  async function inputOf(crash: StoredCrash): Promise<readonly [CrashInput, readonly Gap[]]> {
    const { metadata } = crash;
    const text = await textOf(crash);
    const [first, ...others] = ofKind(crash, "minidump");
    const dump = first === undefined ? null : await read(crash, first, MAX_ATTACHMENT_BYTES);
    const gaps = [...cutGap(text?.length ?? 0), ...othersGap(others)];
    const faulthandler = text === null ? null : ownBytes(text.subarray(0, MAX_TEXT_BYTES));
    return [{ metadata, faulthandler, minidump: dump === null ? null : shared(dump) }, gaps];
  }

  return {
    async withInput(crash, work) {
      const parts = [...ofKind(crash, "faulthandler"), ...ofKind(crash, "minidump").slice(0, 1)];
      const stored = parts.reduce((sum, { blob, size }) => sum + (blob === null ? 0 : size), 0);
      const readAndWork = async () => await work(...(await inputOf(crash)));
      return stored === 0 ? await readAndWork() : await gate.run(stored, readAndWork);
    },
  };
}

const ofKind = (crash: StoredCrash, kind: Attachment["kind"]): readonly Attachment[] =>
  crash.attachments.filter((attachment) => attachment.kind === kind);

const lineEnd = Buffer.from("\n");

function cutGap(length: number): readonly Gap[] {
  if (length <= MAX_TEXT_BYTES) return [];
  const detail = `The text has ${length} bytes; what lies behind MAX_TEXT_BYTES (${MAX_TEXT_BYTES}) was not read.`;
  return [{ code: "text-cut", detail }];
}

function othersGap(others: readonly Attachment[]): readonly Gap[] {
  if (others.length === 0) return [];
  const names = others.map(({ name }) => JSON.stringify(name)).join(", ");
  return [{ code: "dumps-left", detail: `A crash has one minidump; not read: ${names}.` }];
}

function inlineBytes(crash: StoredCrash, { name, at, size }: Attachment): Uint8Array {
  const end = (at ?? 0) + size;
  if (at === null || crash.content === null || end > crash.content.length) {
    const held = crash.content?.length ?? 0;
    throw new CrashFailure(
      "blob",
      `attachment ${JSON.stringify(name)}: wanted bytes ${at}–${end} of the row, which holds ${held}`,
    );
  }
  return crash.content.subarray(at, end);
}

/** Small buffers are views of a pool; a clone for a thread would take the whole pool along. */
const ownBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** Memory that threads see without a copy: a dump goes to one several times, with the symbols that it asked for. */
export function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** A blob's first `most` + 1 bytes at the most; null when the store works and does not hold it. */
export async function readBlob(
  blobs: BlobStore,
  blob: string,
  most: number,
): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of blobs.read(blob)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > most) break;
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await blobs.check();
    return null;
  }
  return Buffer.concat(chunks).subarray(0, most + 1);
}

/** Whether a blob, or the store, was not there. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
