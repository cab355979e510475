/**
 * Blobs: files by the SHA-256 of their content, in a folder that every service sees.
 *
 * Written to a temporary file, synced, renamed, and the folder synced: a name that exists holds the
 * whole content, always. Two writers of one content end with one file.
 *
 * What comes with crashes lies on shelves by the day it came. Retention drops whole days, as it drops whole
 * partitions of the crashes: nobody counts references, and no upload can lose its file to a deletion, since
 * a day that is dropped is one that no writer writes to any more.
 */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { adoptFile, openDraft, type Place } from "./blob-draft.ts";

export interface StoredBlob {
  /** What `read` takes. */
  readonly blob: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** Files of crashes that are kept equally long: minidumps, and all others. */
export type BlobShelf = "dumps" | "files";

/** A blob under way. Nothing is stored until `commit`; `discard` leaves no trace. Exactly one of both must be called. */
export interface BlobWriter {
  /** A file that holds what was written so far. */
  readonly path: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes of what was written, from offset `at`; fewer at the end. */
  read(at: number, length: number): Promise<Buffer>;
  /** Makes zeros of bytes that were written: they are never stored. */
  blank(at: number, length: number): Promise<void>;
  commit(): Promise<StoredBlob>;
  discard(): Promise<void>;
}

export interface ListedBlob {
  readonly blob: string;
  readonly writtenAt: Date;
}

export interface BlobStore {
  /** On a shelf the blob goes with its day, that of `now` (milliseconds since the epoch); without one it stays. */
  create(place?: { readonly shelf: BlobShelf; readonly now: number }): Promise<BlobWriter>;
  /** Where a file may be written that `adopt` is to make a blob of. One that is never adopted goes after a day. */
  draft(): string;
  /** Makes a blob of a draft, which is gone then. */
  adopt(path: string): Promise<StoredBlob>;
  /** A file that holds the blob, if there is one. */
  path(blob: string): string;
  /** Throws (ENOENT) when there is no such blob. */
  read(blob: string): Readable;
  size(blob: string): Promise<number>;
  /** Throws when the store itself cannot be reached: then a blob that is not found says nothing. */
  check(): Promise<void>;
  /** All blobs of no shelf, in no order; those that come or go meanwhile may be missed. */
  list(): AsyncIterable<ListedBlob>;
  /** Deletes a blob unless somebody stored it again since `before`: whoever finds it stored may rely on it. */
  deleteOlder(blob: string, before: Date): Promise<boolean>;
  /** Deletes what came to a shelf on a UTC day before that of `time`; answers with those days. */
  dropDays(shelf: BlobShelf, time: number): Promise<readonly string[]>;
}

const BLOB_NAME = /^(?:(?:dumps|files)\/\d{4}-\d{2}-\d{2}\/)?[0-9a-f]{64}$/;
const DAY_NAME = /^\d{4}-\d{2}-\d{2}$/;
const HASH_CHARS = 64;
/** Temporary files older than this were left by a process that died. */
const STALE_MS = 86_400_000;

/** Opens (and makes) the folder; clears what dead writers left. */
export async function openBlobStore(folder: string): Promise<BlobStore> {
  const temporary = join(folder, "tmp");
  await mkdir(temporary, { recursive: true });
  await clearStale(temporary);
  const draft = (): string => join(temporary, randomUUID());
  const at =
    (prefix: string): Place =>
    (sha256) => ({ blob: prefix + sha256, path: pathOf(folder, prefix + sha256) });
  return {
    create: (place) =>
      openDraft(draft(), at(place === undefined ? "" : `${place.shelf}/${dayOf(place.now)}/`)),
    draft,
    adopt: (path) => adoptFile(path, at("")),
    path: (blob) => pathOf(folder, blob),
    read: (blob) => createReadStream(pathOf(folder, blob)),
    size: async (blob) => (await stat(pathOf(folder, blob))).size,
    check: async () => void (await stat(temporary)),
    list: () => list(folder),
    deleteOlder: (blob, before) => deleteOlder(pathOf(folder, blob), temporary, before),
    dropDays: (shelf, time) => dropDays(join(folder, shelf), dayOf(time)),
  };
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The UTC day on which a shelf's blob came, in milliseconds since the epoch; null for a blob that stays. */
export function blobDay(blob: string): number | null {
  const [, day] = blob.split("/");
  return day === undefined ? null : Date.parse(day);
}

async function dropDays(shelf: string, day: string): Promise<readonly string[]> {
  const names = await readdir(shelf).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []; // nothing came to it yet
    throw error;
  });
  const past = names.filter((name) => DAY_NAME.test(name) && name < day).toSorted();
  for (const name of past) await rm(join(shelf, name), { recursive: true, force: true });
  return past;
}

async function* list(folder: string): AsyncGenerator<ListedBlob> {
  for (const shelf of (await readdir(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const blob of (await readdir(join(folder, shelf))).filter((name) =>
      BLOB_NAME.test(name),
    )) {
      const found = await stat(pathOf(folder, blob)).catch(() => null);
      if (found !== null) yield { blob, writtenAt: found.mtime };
    }
  }
}

/**
 * A blob that was stored again between the look at its age and its removal would be lost to whoever stored it, so
 * it is moved aside first, and back when it turns out to be young.
 */
async function deleteOlder(path: string, temporary: string, before: Date): Promise<boolean> {
  const aside = join(temporary, randomUUID());
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const isOld = (await stat(aside)).mtime < before;
  await (isOld ? rm(aside) : rename(aside, path));
  return isOld;
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
  const hash = blob.slice(-HASH_CHARS);
  return join(folder, blob.slice(0, -HASH_CHARS), hash.slice(0, 2), hash);
}
