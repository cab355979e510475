/**
 * Members of a zip (and .whl, .egg, .pyz), by its central directory.
 *
 * PKWARE APPNOTE 6.3.10; the reading is yauzl's, the checks of names and CRCs ours.
 */
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { callbackify } from "node:util";
import { crc32 } from "node:zlib";
import {
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type Entry,
  type ZipFile,
} from "yauzl";
import { MAX_ARCHIVE_ENTRIES } from "../limits.ts";
import { ArchiveError, type Member } from "./member.ts";

/** APPNOTE 4.4.2.2: what made the entry; Unix modes are in the upper half of the external attributes then. */
const MADE_BY_UNIX = 3;
const MODE_TYPE = 0o170000;
const MODE_LINK = 0o120000;

/** `count` is told of every byte that is unpacked and throws when they are too many. Throws ArchiveError where the directory is damaged. */
export async function* zipMembers(
  path: string,
  count: (bytes: number) => void,
): AsyncGenerator<Member> {
  const file = await open(path, "r");
  const reader = new FileReader(path, file, (await file.stat()).size);
  const zip = await reading(
    fromRandomAccessReaderPromise(reader, reader.size, { decodeStrings: false, autoClose: false }),
  ).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  try {
    if (zip.entryCount > MAX_ARCHIVE_ENTRIES) {
      throw new ArchiveError(
        `${zip.entryCount} entries (limit MAX_ARCHIVE_ENTRIES, ${MAX_ARCHIVE_ENTRIES})`,
      );
    }
    const entries = zip.eachEntry();
    for (;;) {
      const next = await reading(entries.next());
      if (next.done === true) return;
      yield memberOf(zip, next.value, count);
    }
  } finally {
    await file.close();
  }
}

function memberOf(zip: ZipFile, entry: Entry, count: (bytes: number) => void): Member {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
  return {
    name: getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false),
    kind: kindOf(entry),
    size: entry.uncompressedSize,
    obstacle: obstacleOf(entry),
    open: () => contentOf(zip, entry, count),
  };
}

function kindOf(entry: Entry): Member["kind"] {
  const mode = entry.versionMadeBy >> 8 === MADE_BY_UNIX ? entry.externalFileAttributes >>> 16 : 0;
  if ((mode & MODE_TYPE) === MODE_LINK) return "link";
  return entry.fileNameRaw.at(-1) === 0x2f ? "folder" : "file";
}

function obstacleOf(entry: Entry): string | null {
  if (entry.isEncrypted()) return "encrypted";
  return entry.canDecodeFileData()
    ? null
    : `compression method ${entry.compressionMethod}: wanted 0 (stored) or 8 (deflate)`;
}

async function* contentOf(
  zip: ZipFile,
  entry: Entry,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      count((chunk as Buffer).length);
      sum = crc32(chunk as Buffer, sum);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw error instanceof ArchiveError
      ? error
      : new ArchiveError((error as Error).message, { cause: error });
  }
  if (sum !== entry.crc32) {
    throw new ArchiveError(`CRC-32: wanted ${entry.crc32.toString(16)}, found ${sum.toString(16)}`);
  }
}

async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new ArchiveError(`zip: ${(error as Error).message}`, { cause: error });
  }
}

const BLOCK_BYTES = 64 * 1024;

/**
 * The file, in blocks: the directory is asked for in pieces of some dozen bytes. Every position comes out of
 * the file itself and is checked here, as node:fs throws into nobody's hands where one is beyond 2^53.
 */
class FileReader extends RandomAccessReader {
  readonly size: number;
  readonly #path: string;
  readonly #file: FileHandle;
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;

  constructor(path: string, file: FileHandle, size: number) {
    super();
    this.#path = path;
    this.#file = file;
    this.size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const copied = this.#copy(buffer, offset, length, position);
    callbackify(() => copied)((error: Error | null) => callback(error, length));
  }

  async #copy(buffer: Buffer, offset: number, length: number, position: number): Promise<void> {
    if (!(position >= 0 && position + length <= this.size)) {
      throw new Error(`${length} bytes at ${position}: the file ends at ${this.size}`);
    }
    if (position < this.#blockAt || position + length > this.#blockAt + this.#block.length) {
      const block = Buffer.alloc(Math.min(Math.max(BLOCK_BYTES, length), this.size - position));
      const { bytesRead } = await this.#file.read(block, 0, block.length, position);
      this.#block = block.subarray(0, bytesRead);
      this.#blockAt = position;
    }
    const at = position - this.#blockAt;
    if (this.#block.copy(buffer, offset, at, at + length) < length) {
      throw new Error(`${length} bytes at ${position}: the file ended early`);
    }
  }

  override _readStreamForRange(
    start: number,
    end: number,
  ): ReturnType<RandomAccessReader["_readStreamForRange"]> {
    return createReadStream(this.#path, { start, end: end - 1 });
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null); // the handle is the iterator's
  }
}
