/** A crash's bytes: from its row, or from the blob store. */
import {
  countAttempt,
  MAX_PROCESS_ATTEMPTS,
  MAX_TEXT_BYTES,
  type Attachment,
  type BlobStore,
  type Gap,
  type PendingCrash,
  type Pool,
} from "@faultline/shared";
import { CrashFailure } from "./failure.ts";
import { createGate } from "./gate.ts";
import { TEXT_BYTES_UNDER_WAY } from "./limits.ts";

export interface Attachments {
  /**
   * Hands the crash's faulthandler text to `work`; several are joined, null when there is none.
   * Rejects with CrashFailure when a blob stays missing for MAX_PROCESS_ATTEMPTS tries.
   */
  withText<Result>(
    crash: PendingCrash,
    work: (text: Uint8Array | null, gaps: readonly Gap[]) => Promise<Result>,
  ): Promise<Result>;
}

export function openAttachments(pool: Pool, blobs: BlobStore): Attachments {
  const gate = createGate(TEXT_BYTES_UNDER_WAY);

  async function read(crash: PendingCrash, texts: readonly Attachment[]): Promise<Uint8Array[]> {
    const parts: Uint8Array[] = [];
    for (const text of texts) {
      if (text.blob === null) parts.push(inlineBytes(crash, text));
      else {
        const bytes = await readBlob(blobs, text.blob, MAX_TEXT_BYTES);
        if (bytes === null) throw await missing(crash, text);
        parts.push(bytes);
      }
      parts.push(lineEnd);
    }
    return parts.slice(0, -1);
  }

  async function missing(crash: PendingCrash, { name, blob }: Attachment): Promise<Error> {
    const message = `attachment ${JSON.stringify(name)}: the blob store does not hold ${blob}`;
    const attempts = await countAttempt(pool, crash.id);
    if (attempts < MAX_PROCESS_ATTEMPTS) return new Error(message);
    return new CrashFailure("blob", `${message}, after MAX_PROCESS_ATTEMPTS (${attempts}) tries`);
  }

  return {
    async withText(crash, work) {
      const texts = crash.attachments.filter(({ kind }) => kind === "faulthandler");
      if (texts.length === 0) return await work(null, []);
      const stored = texts.reduce((sum, { blob, size }) => sum + (blob === null ? 0 : size), 0);
      const readAndWork = async () => {
        const text = Buffer.concat(await read(crash, texts));
        if (text.length <= MAX_TEXT_BYTES) return await work(ownBytes(text), []);
        return await work(ownBytes(text.subarray(0, MAX_TEXT_BYTES)), [cutGap(text.length)]);
      };
      return stored === 0 ? await readAndWork() : await gate.run(stored, readAndWork);
    },
  };
}

const lineEnd = Buffer.from("\n");

const cutGap = (length: number): Gap => ({
  code: "text-cut",
  detail: `The text has ${length} bytes; what lies behind MAX_TEXT_BYTES (${MAX_TEXT_BYTES}) was not read.`,
});

function inlineBytes(crash: PendingCrash, { name, at, size }: Attachment): Uint8Array {
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

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
