/**
 * Minidumps: what a process looked like when it died.
 *
 * Microsoft's minidumpapiset.h, with what Breakpad (minidump_format.h) and Crashpad
 * (minidump_extensions.h) put into it.
 */
import type { ByteOrder } from "@faultline/bytes";
import { readContext } from "./context.ts";
import type { CpuContext } from "./contexts/cpu-context.ts";
import { attempt, MinidumpError, refusals } from "./error.ts";
import { DumpFile } from "./file.ts";
import { type DirectoryEntry, type Header, readHeader } from "./header.ts";
import type { DumpMemory } from "./memory.ts";
import { memoryOf } from "./memory-sources.ts";
import type { Platform } from "./platform.ts";
import type { Location } from "./records.ts";
import type { Stream } from "./stream.ts";
import { SystemInfo } from "./streams/system-info.ts";

export class Minidump implements Header {
  readonly byteOrder: ByteOrder;
  readonly timestamp: number;
  readonly flags: bigint;
  readonly directory: readonly DirectoryEntry[];
  readonly #file: DumpFile;
  /** What was read so far, or why it could not be. */
  readonly #streams = new Map<Stream<unknown>, unknown>();
  #platform: Platform | undefined;
  #memory: DumpMemory | undefined;

  /** `openMinidump` makes them. */
  constructor(bytes: Uint8Array, header: Header) {
    this.byteOrder = header.byteOrder;
    this.timestamp = header.timestamp;
    this.flags = header.flags;
    this.directory = header.directory;
    this.#file = new DumpFile(bytes, header.byteOrder);
  }

  /**
   * Reads a stream, once: what it gave is kept. Undefined when the dump has none; of several of one
   * type the first counts. Throws MinidumpError when it is damaged, which says nothing about the
   * other streams.
   */
  stream<T>(stream: Stream<T>): T | undefined {
    if (!this.#streams.has(stream)) {
      this.#streams.set(
        stream,
        attempt(() => this.#read(stream)),
      );
    }
    const found = this.#streams.get(stream);
    if (found instanceof MinidumpError) throw found;
    return found as T | undefined;
  }

  /** CPU and operating system, as far as the dump's system info can be read. */
  get platform(): Platform {
    if (this.#platform === undefined) {
      const system = attempt(() => this.stream(SystemInfo));
      this.#platform =
        system === undefined || system instanceof MinidumpError ? { os: null, cpu: null } : system;
    }
    return this.#platform;
  }

  /**
   * The registers that a thread or an exception points to; undefined where there are none, and for
   * a CPU that is not known here. Throws MinidumpError when they are damaged or of another CPU than
   * the dump.
   */
  context(location: Location): CpuContext | undefined {
    return refusals(() => readContext(this.#file, location, this.platform.cpu));
  }

  /** All memory that the dump holds; what could not be read of it is in its `damage`. */
  get memory(): DumpMemory {
    this.#memory ??= memoryOf(this.#file, (stream) => this.stream(stream));
    return this.#memory;
  }

  #read(stream: Stream<unknown>): unknown {
    const entry = this.directory.find(({ type }) => type === stream.type);
    if (entry === undefined) return undefined;
    const cursor = this.#file.cursor(entry.location, entry.name);
    return stream.read({ cursor, file: this.#file, platform: () => this.platform });
  }
}

/**
 * Opens a minidump of either byte order: checks the header and the directory, nothing else. Nothing
 * is copied: `bytes` must stay as they are for as long as the dump is used. Throws MinidumpError.
 */
export const openMinidump = (bytes: Uint8Array): Minidump =>
  new Minidump(
    bytes,
    refusals(() => readHeader(bytes)),
  );
