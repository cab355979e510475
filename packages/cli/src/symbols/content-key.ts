/**
 * Hashes of files by content. That of a big file is remembered beside the caches under the file's stamp (device,
 * inode, size, times of change), so that a file that has not changed is not read again.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "@faultline/symbols/file-source";

const CHUNK = 1 << 20;
/** Files from this size on are remembered. */
const BIG_BYTES = 1 << 20;
/** A file that changed this recently may change again under the same time. */
const SETTLED_MS = 2000;
const HASH = /^[0-9a-f]{64}$/;

/** One key for all of them; null stands for a file that is not there. */
export function contentKey(paths: readonly (string | null)[], folder: string): string {
  const hashes = paths.map((path) => (path === null ? "none" : contentHash(path, folder)));
  return digest(hashes.join("\0")).slice(0, 40);
}

function contentHash(path: string, folder: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = statSync(path, { bigint: true });
  if (size < BIG_BYTES) return hashFile(path);
  const stamp = join(folder, `${digest([dev, ino, size, mtimeNs, ctimeNs].join(" "))}.stamp`);
  const known = remembered(stamp);
  if (known !== null) return known;
  const hash = hashFile(path);
  if (Date.now() - Number(ctimeMs) > SETTLED_MS) keep(stamp, Buffer.from(hash));
  return hash;
}

function remembered(stamp: string): string | null {
  try {
    const hash = readFileSync(stamp, "latin1");
    return HASH.test(hash) ? hash : null;
  } catch {
    return null;
  }
}

function hashFile(path: string): string {
  const hash = createHash("sha256");
  const source = openFileSource(path);
  try {
    for (let at = 0; at < source.size; at += CHUNK)
      hash.update(source.read(at, Math.min(CHUNK, source.size - at)));
  } finally {
    source.close();
  }
  return hash.digest("hex");
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Writes a file of the cache folder whole or not at all. */
export function keep(file: string, bytes: Uint8Array): void {
  mkdirSync(join(file, ".."), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, file);
}
