/**
 * Crashes on this machine's disk while Postgres is away: one file each, there whole or not at all.
 *
 * Written to a temporary file, synced, renamed, and the folder synced, many at once; names sort by time.
 * Removed only after Postgres holds the crash, under the same id, so that dying between the two repeats
 * what is idempotent. A file that is damaged moves to `damaged/` and is never looked at again.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createBatcher, type Batcher, type NewCrash } from "@faultline/shared";
import { MAX_BATCH_BYTES, MAX_SPOOL_BYTES } from "../limits.ts";
import { CannotStoreError } from "../problem.ts";
import { decodeCrash, encodeCrash, SpoolRecordError } from "./spool-record.ts";

export interface SpooledCrash {
  readonly file: string;
  readonly crash: NewCrash;
}

export interface DamagedFile {
  readonly file: string;
  readonly reason: string;
}

export interface Spool {
  /** Resolves when the crash is on disk for good. Rejects with CannotStoreError. */
  write(crash: NewCrash): Promise<void>;
  /** Some crashes, oldest first, and files that could not be read, which are set aside by now; both empty at the end. */
  oldest(
    most: number,
  ): Promise<{ crashes: readonly SpooledCrash[]; damaged: readonly DamagedFile[] }>;
  remove(files: readonly string[]): Promise<void>;
  setAside(file: string): Promise<void>;
  readonly crashes: number;
  readonly bytes: number;
}

const WRITES_AT_ONCE = 64;
const STALE_MS = 3_600_000;

/** Opens (and makes) the folder; `maxBytes`: beyond it crashes are refused. */
export async function openSpool(folder: string, maxBytes = MAX_SPOOL_BYTES): Promise<Spool> {
  const spool = new FolderSpool(folder, maxBytes);
  await spool.open();
  return spool;
}

class FolderSpool implements Spool {
  readonly #ready: string;
  readonly #temporary: string;
  readonly #damaged: string;
  readonly #maxBytes: number;
  /** Names and sizes of the files in `ready`, oldest first: a folder of a million is not read again and again. */
  readonly #files = new Map<string, number>();
  /** Each answers with what went wrong, null when the file is there for good. */
  readonly #writes: Batcher<{ name: string; bytes: Buffer }, Error | null>;
  /** Of the files in `ready` and those under way to it. */
  #bytes = 0;

  constructor(folder: string, maxBytes: number) {
    this.#ready = join(folder, "crashes");
    this.#temporary = join(folder, "tmp");
    this.#damaged = join(folder, "damaged");
    this.#maxBytes = maxBytes;
    this.#writes = createBatcher({
      most: WRITES_AT_ONCE,
      lanes: 1,
      act: (files) => this.#writeAll(files),
    });
  }

  get crashes(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async open(): Promise<void> {
    for (const folder of [this.#ready, this.#temporary, this.#damaged]) {
      await mkdir(folder, { recursive: true });
    }
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const found = await stat(path).catch(() => null);
      if (found !== null && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
    }
    for (const name of (await readdir(this.#ready)).toSorted()) {
      const { size } = await stat(join(this.#ready, name));
      this.#bytes += size;
      this.#files.set(name, size);
    }
  }

  async write(crash: NewCrash): Promise<void> {
    const bytes = encodeCrash(crash);
    // two projects may use one id; one crash sent twice in a millisecond is one file
    const name = `${String(crash.receivedAt).padStart(15, "0")}-${crash.projectId}-${crash.id}`;
    if (this.#bytes + bytes.length > this.#maxBytes) {
      throw new CannotStoreError(`spool: full (limit MAX_SPOOL_BYTES, ${this.#maxBytes})`);
    }
    this.#bytes += bytes.length;
    const failure = await this.#writes.add({ name, bytes }).catch((error: Error) => error);
    if (failure !== null) {
      this.#bytes -= bytes.length;
      throw new CannotStoreError(`spool: ${failure.message}`, { cause: failure });
    }
    this.#forget(name);
    this.#files.set(name, bytes.length);
  }

  async #writeAll(
    files: readonly { name: string; bytes: Buffer }[],
  ): Promise<readonly (Error | null)[]> {
    const results = await Promise.all(
      files.map((file) => this.#writeOne(file).catch((error: Error) => error)),
    );
    await syncFolder(this.#ready);
    return results;
  }

  async #writeOne({ name, bytes }: { name: string; bytes: Buffer }): Promise<null> {
    const draft = join(this.#temporary, randomUUID());
    try {
      const file = await open(draft, "wx", 0o640);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, join(this.#ready, name));
      return null;
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async oldest(
    most: number,
  ): Promise<{ crashes: readonly SpooledCrash[]; damaged: readonly DamagedFile[] }> {
    const crashes: SpooledCrash[] = [];
    const damaged: DamagedFile[] = [];
    for (const file of this.#next(most)) {
      try {
        crashes.push({ file, crash: decodeCrash(await readFile(join(this.#ready, file))) });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
          this.#forget(file); // another process that was given our folder has taken it
          continue;
        }
        if (!(error instanceof SpoolRecordError)) throw error;
        damaged.push({ file, reason: error.message });
        await this.setAside(file);
      }
    }
    return { crashes, damaged };
  }

  /** At least one, unless there is none; no more than go into one batch. */
  #next(most: number): readonly string[] {
    const names: string[] = [];
    let bytes = 0;
    for (const [name, size] of this.#files) {
      bytes += size;
      if (names.length > 0 && (names.length === most || bytes > MAX_BATCH_BYTES)) break;
      names.push(name);
    }
    return names;
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const file of files) {
      await rm(join(this.#ready, file), { force: true });
      this.#forget(file);
    }
  }

  async setAside(file: string): Promise<void> {
    await rename(join(this.#ready, file), join(this.#damaged, file));
    this.#forget(file);
  }

  #forget(name: string): void {
    this.#bytes -= this.#files.get(name) ?? 0;
    this.#files.delete(name);
  }
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
