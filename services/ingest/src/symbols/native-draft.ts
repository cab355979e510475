/**
 * A native symbol file on its way into the blob store: written there as it streams, hashed and summed on the way, looked
 * at by its headers before it is kept.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import {
  DebugInfoError,
  identifyNative,
  isBreakpad,
  isElf,
  type ByteSource,
  type NativeIdentity,
} from "@faultline/debuginfo/identify";
import type { BlobStore, BlobWriter, StoredBlob } from "@faultline/shared";
import { MAX_IDENTIFY_BYTES } from "../limits.ts";

/** First bytes that `isNative` wants. */
export const NATIVE_HEAD_BYTES = 16;

export const isNative = (head: Uint8Array): boolean => isElf(head) || isBreakpad(head);

/** Exactly one of `store` and `discard` must be called. */
export interface NativeDraft {
  /** Of the whole file. */
  readonly crc32: number;
  /** Throws DebugInfoError for what is refused. */
  identify(): NativeIdentity;
  store(): Promise<StoredBlob>;
  discard(): Promise<void>;
}

/** A stream that ends with an error leaves nothing. */
export async function receiveNative(
  blobs: BlobStore,
  body: AsyncIterable<Buffer>,
): Promise<NativeDraft> {
  const writer = await blobs.create();
  try {
    return await write(writer, body);
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

async function write(writer: BlobWriter, body: AsyncIterable<Buffer>): Promise<NativeDraft> {
  let size = 0;
  let sum = 0;
  for await (const chunk of body) {
    await writer.write(chunk);
    size += chunk.length;
    sum = crc32(chunk, sum);
  }
  return {
    crc32: sum,
    identify: () => identifyFile(writer.path, size),
    store: () => writer.commit(),
    discard: () => writer.discard(),
  };
}

/** Reads the headers at once: they were just written, and are few. */
function identifyFile(path: string, size: number): NativeIdentity {
  const file = openSync(path, "r");
  try {
    return identifyNative(headersOf(file, size));
  } finally {
    closeSync(file);
  }
}

/** A header may claim tables of any size; what is read for them is bounded. */
function headersOf(file: number, size: number): ByteSource {
  let left = MAX_IDENTIFY_BYTES;
  return {
    size,
    read(offset, length) {
      left -= length;
      if (left < 0) {
        throw new DebugInfoError(
          "limit",
          `headers: more than MAX_IDENTIFY_BYTES (${MAX_IDENTIFY_BYTES}) of tables, names and notes`,
        );
      }
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, length - at, offset + at);
        if (count === 0) throw new Error(`a draft ends at byte ${offset + at} of ${size}`);
        at += count;
      }
      return bytes;
    },
  };
}
