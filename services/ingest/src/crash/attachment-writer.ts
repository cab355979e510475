/** One attachment on its way in: small ones stay in memory, larger ones go to the blob store as they arrive. */
import { hash } from "node:crypto";
import {
  INLINE_BYTES,
  MAX_NAME_CHARS,
  type Attachment,
  type BlobStore,
  type BlobWriter,
} from "@faultline/shared";
import { CannotStoreError, tooLarge } from "../problem.ts";
import { storable } from "./storable.ts";

/** An attachment that is whole. `bytes` when it is small, else it lies in the blob store. */
export interface StoredAttachment {
  readonly name: string;
  readonly kind: Attachment["kind"];
  readonly contentType: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: Buffer | null;
  readonly blob: string | null;
}

export interface AttachmentLimit {
  readonly name: string;
  readonly bytes: number;
}

/** Exactly one of `finish` and `discard` must be called. */
export class AttachmentWriter {
  readonly name: string;
  readonly kind: Attachment["kind"];
  size = 0;
  readonly #contentType: string;
  readonly #limit: AttachmentLimit;
  readonly #blobs: BlobStore;
  #chunks: Buffer[] = [];
  #blob: BlobWriter | null = null;

  constructor(
    blobs: BlobStore,
    name: string,
    kind: Attachment["kind"],
    contentType: string,
    limit: AttachmentLimit,
  ) {
    this.#blobs = blobs;
    this.name = name;
    this.kind = kind;
    this.#contentType = storable(contentType).slice(0, MAX_NAME_CHARS);
    this.#limit = limit;
  }

  /** Throws a Problem naming the limit once the attachment is larger than it may be. */
  async write(chunk: Buffer): Promise<void> {
    this.size += chunk.length;
    if (this.size > this.#limit.bytes) {
      throw tooLarge(
        `attachment ${JSON.stringify(this.name)}`,
        this.#limit.name,
        this.#limit.bytes,
      );
    }
    if (this.size <= INLINE_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    this.#blob ??= await stored(this.#blobs.create());
    for (const held of this.#chunks.splice(0)) await stored(this.#blob.write(held));
    await stored(this.#blob.write(chunk));
  }

  async finish(): Promise<StoredAttachment> {
    const { name, kind, size } = this;
    const common = { name, kind, contentType: this.#contentType, size };
    if (this.#blob !== null) {
      const writer = this.#blob;
      this.#blob = null; // whatever happens now, there is nothing left for `discard` to undo
      const { blob, sha256 } = await stored(writer.commit());
      return { ...common, sha256, bytes: null, blob };
    }
    const bytes =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    return { ...common, sha256: hash("sha256", bytes, "hex"), bytes, blob: null };
  }

  async discard(): Promise<void> {
    this.#chunks = [];
    const blob = this.#blob;
    this.#blob = null;
    await blob?.discard();
  }
}

/** A disk that is full, or gone, is not the client's fault and not a reason for it to give up. */
async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new CannotStoreError(`blob store: ${(error as Error).message}`, { cause: error });
  }
}
