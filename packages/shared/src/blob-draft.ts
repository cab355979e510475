/** A blob under way: a temporary file, and its way to the name of its content. */
import { createHash, type Hash } from "node:crypto";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobWriter, StoredBlob } from "./blobs.ts";

const ZEROS = Buffer.alloc(65_536);
const REREAD_BYTES = 1_048_576;

/** Where a blob of that hash (hex) belongs: its name, and the file of that name. */
export type Place = (sha256: string) => { readonly blob: string; readonly path: string };

export async function openDraft(path: string, place: Place): Promise<BlobWriter> {
  return new Draft(path, place, await open(path, "wx+", 0o640));
}

class Draft implements BlobWriter {
  readonly path: string;
  readonly #place: Place;
  readonly #file: FileHandle;
  /** Of what was written; null once some of it was blanked. */
  #hash: Hash | null = createHash("sha256");
  #size = 0;

  constructor(path: string, place: Place, file: FileHandle) {
    this.path = path;
    this.#place = place;
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash?.update(bytes);
    await writeAll(this.#file, bytes, this.#size);
    this.#size += bytes.length;
  }

  async read(at: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.#size - at)));
    for (let have = 0; have < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, have, bytes.length - have, at + have);
      if (bytesRead === 0) throw new Error(`${this.path}: ends at byte ${at + have}`);
      have += bytesRead;
    }
    return bytes;
  }

  async blank(at: number, length: number): Promise<void> {
    this.#hash = null;
    const end = Math.min(at + length, this.#size);
    for (let from = at; from < end; from += ZEROS.length) {
      await writeAll(this.#file, ZEROS.subarray(0, end - from), from);
    }
  }

  async commit(): Promise<StoredBlob> {
    const sha256 = (this.#hash ?? (await hashOf(this.#file, this.#size))).digest("hex");
    await this.#file.sync();
    await this.#file.close();
    return await shelve(this.path, sha256, this.#size, this.#place);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.path, { force: true });
  }
}

/** Makes a blob of a file that somebody else wrote and closed. */
export async function adoptFile(path: string, place: Place): Promise<StoredBlob> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const sha256 = (await hashOf(file, size)).digest("hex");
    await file.sync();
    return await shelve(path, sha256, size, place);
  } finally {
    await file.close();
  }
}

async function hashOf(file: FileHandle, size: number): Promise<Hash> {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(Math.min(size, REREAD_BYTES));
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw new Error(`a blob's file ends at byte ${at} of ${size}`);
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

async function shelve(
  from: string,
  sha256: string,
  size: number,
  place: Place,
): Promise<StoredBlob> {
  const { blob, path } = place(sha256);
  await makeFolder(dirname(path));
  await rename(from, path);
  await syncFolder(dirname(path));
  return { blob, size, sha256 };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const left = bytes.length - done;
    done += (await file.write(bytes, done, left, position + done)).bytesWritten;
  }
}

/** Folders that were made are on disk only once those above them are. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

/** A rename is on disk only once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
