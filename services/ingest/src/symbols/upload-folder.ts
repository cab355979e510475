/** Uploaded files while they are worked on: small ones in memory, others in a folder that goes with the request. */
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { INLINE_BYTES } from "@faultline/shared";

/** Folders older than this were left by a process that died. */
const STALE_MS = 86_400_000;
const PREFIX = "upload-";

export interface UploadedFile {
  readonly size: number;
  /** The first bytes, for telling what it is: as many as there are, up to 64 KiB. */
  readonly head: Buffer;
  bytes(): Promise<Buffer>;
  /** A file on disk that holds it. */
  path(): Promise<string>;
  discard(): Promise<void>;
}

export interface UploadFolder {
  receive(body: AsyncIterable<Buffer>): Promise<UploadedFile>;
  remove(): Promise<void>;
}

export async function openUploadFolder(parent: string): Promise<UploadFolder> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, PREFIX));
  return {
    receive: (body) => receive(folder, body),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Removes what dead processes left. */
export async function clearStaleUploads(parent: string): Promise<void> {
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    const found = name.startsWith(PREFIX) ? await stat(path).catch(() => null) : null;
    if (found !== null && Date.now() - found.mtimeMs > STALE_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function receive(folder: string, body: AsyncIterable<Buffer>): Promise<UploadedFile> {
  const path = join(folder, randomUUID());
  let held: Buffer[] = [];
  let size = 0;
  let head: Buffer | null = null;
  let file: Awaited<ReturnType<typeof open>> | null = null;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      held.push(chunk);
      if (size <= INLINE_BYTES) continue;
      file ??= await open(path, "wx", 0o600);
      const joined = held.length === 1 ? chunk : Buffer.concat(held);
      head ??= joined.subarray(0, INLINE_BYTES);
      await file.writeFile(joined);
      held = [];
    }
  } finally {
    await file?.close();
  }
  return head === null ? inMemory(path, Buffer.concat(held)) : onDisk(path, head, size);
}

function inMemory(path: string, bytes: Buffer): UploadedFile {
  let written = false;
  return {
    size: bytes.length,
    head: bytes,
    bytes: async () => bytes,
    async path() {
      if (!written) await writeFile(path, bytes, { mode: 0o600 });
      written = true;
      return path;
    },
    discard: () => rm(path, { force: true }),
  };
}

const onDisk = (path: string, head: Buffer, size: number): UploadedFile => ({
  size,
  head,
  bytes: () => readFile(path),
  path: async () => path,
  discard: () => rm(path, { force: true }),
});
