/** One upload's files → storage, Python files in batches; jobs for their caches, and an answer file by file. */
import { hash } from "node:crypto";
import { identifyPyc } from "@faultline/pyc";
import {
  INLINE_BYTES,
  MAX_SYMBOL_FILES,
  releaseFileKey,
  storeSymbolFiles,
  type BlobStore,
  type JobQueue,
  type Logger,
  type NewSymbolFile,
  type Pool,
} from "@faultline/shared";
import {
  MAX_LISTED_FILES,
  NATIVES_PER_JOB,
  SYMBOL_BATCH_BYTES,
  SYMBOL_BATCH_FILES,
  SYMBOLS_PER_JOB,
} from "../limits.ts";
import { Problem } from "../problem.ts";
import type { FileAnswer } from "./file-answer.ts";
import { keepNative } from "./keep-native.ts";
import type { PythonName } from "./member-name.ts";
import { receiveNative } from "./native-draft.ts";
import type { Findings } from "./unpack.ts";

export interface UploadAnswer {
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  /** Archive members that are neither symbols nor archives. */
  readonly skipped: number;
  readonly files: readonly FileAnswer[];
  /** Files that are counted above but not listed. */
  readonly omitted: number;
  /** Nothing was stored, and Python files would have been, had they a home. */
  readonly wantsHome: boolean;
}

/** Python files are a release's own; native files are everybody's. */
export interface Home {
  readonly projectId: number;
  readonly release: string;
}

export interface UploadOptions {
  readonly db: Pool;
  readonly blobs: BlobStore;
  readonly symbolJobs: JobQueue<"symbols">;
  readonly nativeJobs: JobQueue<"natives">;
  readonly log: Logger;
  /** Where Python files go; or why the request does not tell, and they are refused. */
  readonly home: Home | Problem;
}

interface Candidate {
  readonly name: string;
  readonly python: PythonName;
  /** Of a compiled file. */
  readonly version: string | null;
  readonly as: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Call `finish` when every file was found. */
export class Upload implements Findings {
  readonly #options: UploadOptions;
  readonly #totals = { accepted: 0, duplicate: 0, refused: 0 };
  readonly #stored: FileAnswer[] = [];
  readonly #refused: FileAnswer[] = [];
  /** What the upload gave for each path, as `keyOf` has it, by the file's name. */
  readonly #given = new Map<string, string>();
  #skipped = 0;
  #natives = 0;
  #homeless = 0;
  #batch: Candidate[] = [];
  #batchBytes = 0;
  #uncached: string[] = [];
  #unread: string[] = [];

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  skipped(): void {
    this.#skipped += 1;
  }

  refused(name: string, reason: string, path: string | null = null): void {
    this.#answer({ ...noIds, name, path, status: "refused", as: null, reason, sha256: null });
  }

  async native(name: string, body: AsyncIterable<Buffer>): Promise<void> {
    if (this.#isFull()) return this.refused(name, tooMany);
    this.#natives += 1;
    const { db, blobs } = this.#options;
    const { answer, waits } = await keepNative(db, name, await receiveNative(blobs, body));
    this.#answer(answer);
    if (waits !== null) this.#unread.push(waits);
    await this.#queueNatives(NATIVES_PER_JOB);
  }

  async python(name: string, python: PythonName, bytes: Buffer): Promise<void> {
    if (this.#isFull()) return this.refused(name, tooMany, python.path);
    const { home } = this.#options;
    if (home instanceof Problem) {
      this.#homeless += 1;
      return this.refused(name, home.message, python.path);
    }
    const pyc = python.use === "pyc" ? identifyPyc(bytes) : null;
    if (python.use === "pyc" && pyc === null) {
      const found = bytes.length === 0 ? "an empty file" : bytes.toString("hex", 0, 4);
      return this.refused(
        name,
        `first bytes: wanted the magic of a .pyc of Python 3, found ${found}`,
        python.path,
      );
    }
    const as = pyc === null ? "source" : `pyc ${pyc.pythonVersion}`;
    const version = pyc?.pythonVersion ?? null;
    this.#batch.push({ name, python, version, as, bytes, sha256: hash("sha256", bytes, "hex") });
    this.#batchBytes += bytes.length;
    if (this.#batch.length >= SYMBOL_BATCH_FILES || this.#batchBytes >= SYMBOL_BATCH_BYTES)
      await this.#store();
  }

  async finish(): Promise<UploadAnswer> {
    await this.#store();
    await this.#queueSymbols(1);
    await this.#queueNatives(1);
    const files = [...this.#refused, ...this.#stored];
    const { accepted, duplicate, refused } = this.#totals;
    return {
      accepted,
      duplicate,
      refused,
      skipped: this.#skipped,
      files,
      omitted: accepted + duplicate + refused - files.length,
      wantsHome: this.#homeless > 0 && accepted + duplicate === 0,
    };
  }

  #isFull(): boolean {
    return this.#given.size + this.#batch.length + this.#natives >= MAX_SYMBOL_FILES;
  }

  #answer(file: FileAnswer): void {
    this.#totals[file.status] += 1;
    const list = file.status === "refused" ? this.#refused : this.#stored;
    if (list.length < MAX_LISTED_FILES) list.push(file);
  }

  async #store(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const chosen = this.#choose(batch);
    const { db, blobs, home } = this.#options;
    if (chosen.length === 0 || home instanceof Problem) return;
    const files: NewSymbolFile[] = [];
    for (const candidate of chosen) files.push(await toRow(candidate, blobs));
    const added = await storeSymbolFiles(db, home.projectId, home.release, files);
    for (const candidate of chosen) {
      const { name, python, as, sha256 } = candidate;
      const isNew = added.has(keyOf(candidate));
      if (isNew && python.use === "pyc") this.#uncached.push(sha256);
      const status = isNew ? "accepted" : "duplicate";
      this.#answer({ ...noIds, name, path: python.path, status, as, reason: null, sha256 });
    }
    await this.#queueSymbols(SYMBOLS_PER_JOB);
  }

  /**
   * One file for each path and version of Python. `jobs.pyc` and `jobs.opt-1.pyc` lie beside each other in an archive,
   * so in one batch: the one that was optimised least has most lines. Across batches the first stays.
   */
  #choose(batch: readonly Candidate[]): readonly Candidate[] {
    const chosen: Candidate[] = [];
    for (const candidate of batch.toSorted(
      (a, b) => a.python.optimisation - b.python.optimisation,
    )) {
      const { name, python } = candidate;
      const other = this.#given.get(keyOf(candidate));
      if (other !== undefined) {
        this.refused(name, `the upload has ${other} for ${python.path} already`, python.path);
        continue;
      }
      this.#given.set(keyOf(candidate), name);
      chosen.push(candidate);
    }
    return chosen;
  }

  /** Jobs of SYMBOLS_PER_JOB files, as soon as `least` wait. */
  async #queueSymbols(least: number): Promise<void> {
    const { symbolJobs } = this.#options;
    for (const sha256s of takeSorted(this.#uncached, least, SYMBOLS_PER_JOB))
      await this.#add(sha256s, (id) => symbolJobs.add([{ id, data: { sha256s } }]));
  }

  /** Jobs of NATIVES_PER_JOB files, as soon as `least` wait. */
  async #queueNatives(least: number): Promise<void> {
    const { nativeJobs } = this.#options;
    for (const sha256s of takeSorted(this.#unread, least, NATIVES_PER_JOB))
      await this.#add(sha256s, (id) => nativeJobs.add([{ id, data: { sha256s, debugIds: [] } }]));
  }

  /** A queue that is away leaves the files to the sweep. */
  async #add(sha256s: readonly string[], add: (id: string) => Promise<void>): Promise<void> {
    try {
      await add(hash("sha256", sha256s.join(), "hex"));
    } catch (error) {
      this.#options.log.warn(
        { err: error, files: sha256s.length },
        "symbol files cannot be queued: the sweep will",
      );
    }
  }
}

const noIds = { buildId: null, debugId: null };
const tooMany = `more than ${MAX_SYMBOL_FILES} files in the upload (limit MAX_SYMBOL_FILES)`;

/** Takes pieces of `most` off `all` while it holds `least`. */
function* takeSorted(all: string[], least: number, most: number): Generator<readonly string[]> {
  while (all.length >= least) yield all.splice(0, most).toSorted();
}

const keyOf = ({ python, version }: Candidate): string =>
  releaseFileKey({ kind: python.use, path: python.path, python: version });

async function toRow(
  { python, version, bytes, sha256 }: Candidate,
  blobs: BlobStore,
): Promise<NewSymbolFile> {
  const { use: kind, path, basename } = python;
  const isSmall = bytes.length <= INLINE_BYTES;
  return {
    sha256,
    kind,
    size: bytes.length,
    content: isSmall ? bytes : null,
    blob: isSmall ? null : await putBlob(blobs, bytes),
    path,
    basename,
    python: version,
  };
}

async function putBlob(blobs: BlobStore, bytes: Buffer): Promise<string> {
  const writer = await blobs.create();
  try {
    await writer.write(bytes);
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return (await writer.commit()).blob;
}
