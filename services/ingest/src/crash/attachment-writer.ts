/**
 * One attachment on its way in: small ones stay in memory, larger ones go to the blob store as they arrive,
 * and minidumps always do, where their time is over sooner than that of the crash.
 */
import { hash } from "node:crypto";
import {
  INLINE_BYTES,
  MAX_NAME_CHARS,
  type Attachment,
  type BlobStore,
  type BlobWriter,
} from "@faultline/shared";
import { CannotStoreError, tooLarge } from "../problem.ts";
import { openDump, type DumpBytes } from "./minidump/dump.ts";
import { privateRanges } from "./minidump/private-ranges.ts";
import { storable } from "./storable.ts";
import { TextSign } from "./text-sign.ts";

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

export interface AttachmentHead {
  /** Safe to show and to store. */
  readonly name: string;
  readonly kind: Attachment["kind"];
  readonly contentType: string;
}

export interface AttachmentLimit {
  readonly name: string;
  readonly bytes: number;
}

/** Exactly one of `finish` and `discard` must be called. */
export class AttachmentWriter {
  readonly name: string;
  kind: Attachment["kind"];
  size = 0;
  readonly #contentType: string;
  readonly #limit: AttachmentLimit;
  readonly #blobs: BlobStore;
  readonly #sign = new TextSign();
  #chunks: Buffer[] = [];
  #blob: BlobWriter | null = null;

  constructor(blobs: BlobStore, head: AttachmentHead, limit: AttachmentLimit) {
    this.#blobs = blobs;
    this.name = head.name;
    this.kind = head.kind;
    this.#contentType = storable(head.contentType).slice(0, MAX_NAME_CHARS);
    this.#limit = limit;
  }

  /** Whether it reads like what faulthandler writes. */
  get isFaulthandlerText(): boolean {
    return this.#sign.seen;
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
    if (this.kind === "other") this.#sign.look(chunk);
    if (this.kind !== "minidump" && this.size <= INLINE_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    this.#blob ??= await this.#createBlob();
    for (const held of this.#chunks.splice(0)) await stored(this.#blob.write(held));
    await stored(this.#blob.write(chunk));
  }

  async #createBlob(): Promise<BlobWriter> {
    const shelf = this.kind === "minidump" ? "dumps" : "files";
    return await stored(this.#blobs.create({ shelf, now: Date.now() }));
  }

  /** Of a minidump that is complete: throws a Problem when it is none; blanks the environment and command line. */
  async checkDump(keepEnvironment: boolean): Promise<void> {
    const blob = (this.#blob ??= await this.#createBlob());
    const { name, size } = this;
    const read: DumpBytes["read"] = (at, length) => stored(blob.read(at, length));
    const dump = await openDump({ name, size, read });
    if (keepEnvironment) return;
    for (const range of await privateRanges(dump)) await stored(blob.blank(range.at, range.size));
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
