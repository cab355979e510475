/**
 * Blobs: files by the SHA-256 of their content, in a folder that every service sees.
 *
 * Written to a temporary file, synced, renamed, and the folder synced: a name that exists holds the
 * whole content, always. Two writers of one content end with one file.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface StoredBlob {
  /** What `read` takes. */
  readonly blob: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** A blob under way. Nothing is stored until `commit`; `discard` leaves no trace. Exactly one of both must be called. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<StoredBlob>;
  discard(): Promise<void>;
}

export interface BlobStore {
  create(): Promise<BlobWriter>;
  /** Throws (ENOENT) when there is no such blob. */
  read(blob: string): Readable;
  size(blob: string): Promise<number>;
  /** Throws when the store itself cannot be reached: then a blob that is not found says nothing. */
  check(): Promise<void>;
  delete(blob: string): Promise<void>;
}

const BLOB_NAME = /^[0-9a-f]{64}$/;
/** Temporary files older than this were left by a process that died. */
const STALE_MS = 86_400_000;

/** Opens (and makes) the folder; clears what dead writers left. */
export async function openBlobStore(folder: string): Promise<BlobStore> {
  const temporary = join(folder, "tmp");
  await mkdir(temporary, { recursive: true });
  await clearStale(temporary);
  return {
    create: () => createWriter(folder, temporary),
    read: (blob) => createReadStream(pathOf(folder, blob)),
    size: async (blob) => (await stat(pathOf(folder, blob))).size,
    check: async () => void (await stat(temporary)),
    delete: (blob) => rm(pathOf(folder, blob), { force: true }),
  };
}

async function createWriter(folder: string, temporary: string): Promise<BlobWriter> {
  const path = join(temporary, randomUUID());
  const file = await open(path, "wx", 0o640);
  const hash = createHash("sha256");
  let size = 0;
  return {
    async write(bytes) {
      hash.update(bytes);
      size += bytes.length;
      await writeAll(file, bytes);
    },
    async commit() {
      const sha256 = hash.digest("hex");
      await file.sync();
      await file.close();
      const shelf = join(folder, sha256.slice(0, 2));
      await mkdir(shelf, { recursive: true });
      await rename(path, pathOf(folder, sha256));
      await syncFolder(shelf);
      return { blob: sha256, size, sha256 };
    },
    async discard() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += (await file.write(bytes, at)).bytesWritten;
}

/** A rename is on disk only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function clearStale(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}

function pathOf(folder: string, blob: string): string {
  if (!BLOB_NAME.test(blob))
    throw new RangeError(
      `blob name: wanted 64 hex digits, found ${JSON.stringify(blob.slice(0, 80))}`,
    );
  return join(folder, blob.slice(0, 2), blob);
}
