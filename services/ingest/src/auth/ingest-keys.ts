/**
 * Ingest keys, kept in memory: accepting a crash asks nobody. Read again every few seconds, and at once
 * for a key that is not known; kept in a file too, so that a start without Postgres knows them.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { IngestKey, Logger } from "@faultline/shared";

export interface IngestKeys {
  /** Project of a living key, null when there is none such. Rejects with KeysUnknownError when nobody can tell. */
  projectOf(key: string): number | Promise<number | null>;
  close(): void;
}

/** Neither Postgres nor the file could be read yet, so no key can be judged. */
export class KeysUnknownError extends Error {
  override readonly name = "KeysUnknownError";
}

export interface IngestKeysOptions {
  /** Every key; rejects when Postgres is away. */
  readonly list: () => Promise<readonly Pick<IngestKey, "key" | "projectId" | "revokedAt">[]>;
  readonly file: string;
  readonly log: Logger;
  readonly refreshMs?: number;
}

const REFRESH_MS = 5_000;
/** Keys that are not known make us ask at most this often. */
const MISS_MS = 1_000;

export async function openIngestKeys(options: IngestKeysOptions): Promise<IngestKeys> {
  const keys = new KeptKeys(options);
  await keys.open();
  return keys;
}

class KeptKeys implements IngestKeys {
  readonly #options: IngestKeysOptions;
  #projects: ReadonlyMap<string, number> | null = null;
  #saved = "";
  #asked = 0;
  /** Whether the last time we asked, Postgres answered. */
  #fresh = false;
  #refreshing: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IngestKeysOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#refresh();
    if (this.#projects === null) await this.#load();
    this.#timer = setInterval(() => void this.#refresh(), this.#options.refreshMs ?? REFRESH_MS);
    this.#timer.unref();
  }

  projectOf(key: string): number | Promise<number | null> {
    return this.#projects?.get(key) ?? this.#lookAgain(key);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #lookAgain(key: string): Promise<number | null> {
    await this.#readAnew();
    const project = this.#projects?.get(key);
    if (project !== undefined) return project;
    if (!this.#fresh) throw new KeysUnknownError("ingest keys: Postgres cannot be asked");
    return null;
  }

  /** A reading that begins after this call, so that it sees a key made just before; all who wait share it. */
  async #readAnew(): Promise<void> {
    this.#next ??= this.#readNext();
    await this.#next;
  }

  async #readNext(): Promise<void> {
    await sleep(Math.max(0, this.#asked + MISS_MS - Date.now()));
    while (this.#refreshing !== null) await this.#refreshing;
    this.#next = null;
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => (this.#refreshing = null));
    await this.#refreshing;
  }

  async #read(): Promise<void> {
    this.#asked = Date.now();
    try {
      const keys = await this.#options.list();
      const living = keys.filter((key) => key.revokedAt === null);
      this.#projects = new Map(living.map(({ key, projectId }) => [key, projectId]));
      this.#fresh = true;
      await this.#save();
    } catch (error) {
      this.#fresh = false;
      this.#options.log.warn({ err: error }, "ingest keys could not be read");
    }
  }

  async #save(): Promise<void> {
    const text = JSON.stringify([...(this.#projects ?? [])]);
    if (text === this.#saved) return;
    const { file, log } = this.#options;
    try {
      await mkdir(dirname(file), { recursive: true });
      const draft = `${file}.${randomUUID()}`;
      await writeFile(draft, text, { mode: 0o600 });
      await rename(draft, file);
      this.#saved = text;
    } catch (error) {
      log.warn({ err: error, file }, "ingest keys could not be kept in a file");
    }
  }

  async #load(): Promise<void> {
    const { file, log } = this.#options;
    try {
      const entries = JSON.parse(await readFile(file, "utf8")) as [string, number][];
      this.#projects = new Map(entries);
    } catch (error) {
      log.warn({ err: error, file }, "no ingest keys are known until Postgres answers");
    }
  }
}
