/**
 * Minidumps, stream by stream, from what they are to say (minidumpapiset.h; Breakpad,
 * minidump_format.h; Crashpad, minidump_extensions.h). The directory follows the header, then comes
 * what each stream needs, then the stream.
 */
import { ByteWriter, type Endian } from "./byte-writer.ts";
import { type SynthCpu, synthContext, type SynthRegisters } from "./contexts.ts";
import { crashpadInfo, type SynthCrashpadInfo } from "./crashpad.ts";
import { auxv, dsoDebug, LINUX_STREAMS, type SynthDsoDebug } from "./linux.ts";
import {
  moduleRecord,
  type SynthModule,
  type SynthUnloadedModule,
  unloadedModuleRecord,
} from "./modules.ts";
import { location, type Place, Placer } from "./placer.ts";
import {
  assertionInfo,
  handleRecord,
  memoryInfoRecord,
  miscInfo,
  type SynthAssertion,
  type SynthHandle,
  type SynthMemoryInfo,
  type SynthMiscInfo,
  type SynthSystemInfo,
  systemInfo,
} from "./system.ts";

/** Memory of the process from `start` on. */
export interface SynthMemory {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

export interface SynthDumpThread {
  readonly id: number;
  readonly registers?: SynthRegisters;
  /** Any bytes instead of registers. */
  readonly context?: Uint8Array;
  readonly stack?: SynthMemory;
  readonly teb?: bigint;
  readonly name?: string;
}

export interface SynthException {
  readonly threadId: number;
  readonly code: number;
  /** Linux: si_code. */
  readonly flags?: number;
  readonly address?: bigint;
  readonly information?: readonly bigint[];
  readonly registers?: SynthRegisters;
}

export interface SynthOptions {
  readonly endian?: Endian;
  readonly timestamp?: number;
  /** 4 bytes between the count of a list and its first record. */
  readonly padLists?: boolean;
  /** Bytes behind each context. */
  readonly contextExtra?: number;
}

interface PlannedStream {
  readonly type: number;
  readonly body: (out: Placer) => Uint8Array;
}

const NOWHERE: Place = { dataSize: 0, rva: 0 };

class SynthMinidump {
  readonly #options: SynthOptions;
  readonly #streams: PlannedStream[] = [];
  /** What a stream that is a list holds so far, by the stream's type. */
  readonly #lists = new Map<number, ((out: Placer) => Uint8Array)[]>();
  readonly #entries: (Place & { readonly type: number })[] = [];
  readonly #names = new Map<number, string>();
  #cpu: SynthCpu = "amd64";

  constructor(options: SynthOptions) {
    this.#options = options;
  }

  /** Every dump that has registers needs it: it tells whose they are. */
  systemInfo(info: SynthSystemInfo): this {
    this.#cpu = info.cpu;
    return this.#plan(7, (out) => systemInfo(out, info));
  }

  thread(thread: SynthDumpThread): this {
    if (thread.name !== undefined) {
      if (this.#names.size === 0) this.#plan(24, (out) => this.#threadNames(out));
      this.#names.set(thread.id, thread.name);
    }
    return this.#listed(3, (out) => {
      const { stack } = thread;
      const place = stack ? out.place(stack.bytes) : NOWHERE;
      const record = out
        .writer()
        .u32(thread.id, 0, 0, 0)
        .u64(thread.teb ?? 0, stack?.start ?? 0);
      return location(location(record, place), this.#context(out, thread)).finish();
    });
  }

  threadInfo(info: { readonly id: number; readonly startAddress: bigint }): this {
    return this.#sized(17, 4, 64, (out) =>
      out.writer().u32(info.id, 0, 0, 0).u64(0, 0, 0, 0, info.startAddress, 1).finish(),
    );
  }

  module(module: SynthModule): this {
    return this.#listed(4, (out) => moduleRecord(out, module));
  }

  unloadedModule(module: SynthUnloadedModule): this {
    return this.#sized(14, 4, 24, (out) => unloadedModuleRecord(out, module));
  }

  /** In the MemoryList. */
  memory({ start, bytes }: SynthMemory): this {
    return this.#listed(5, (out) => location(out.writer().u64(start), out.place(bytes)).finish());
  }

  /** The whole Memory64List. */
  memory64(...ranges: readonly SynthMemory[]): this {
    return this.#plan(9, (out) => {
      const places = ranges.map(({ bytes }) => out.place(bytes));
      const record = out.writer().u64(ranges.length, places[0]?.rva ?? 0);
      for (const { start, bytes } of ranges) record.u64(start, bytes.length);
      return record.finish();
    });
  }

  memoryInfo(info: SynthMemoryInfo): this {
    return this.#sized(16, 8, 48, (out) => memoryInfoRecord(out, info));
  }

  exception(exception: SynthException): this {
    return this.#plan(6, (out) => {
      const { threadId, code, flags = 0, address = 0n, information = [] } = exception;
      const record = out.writer().u32(threadId, 0, code, flags).u64(0, address);
      record
        .u32(information.length, 0)
        .u64(...information)
        .zeros(8 * (15 - information.length));
      return location(record, this.#context(out, exception)).finish();
    });
  }

  miscInfo(info: SynthMiscInfo): this {
    return this.#plan(15, (out) => miscInfo(out, info));
  }

  assertion(info: SynthAssertion): this {
    return this.#plan(0x47670002, (out) => assertionInfo(out, info));
  }

  breakpadInfo(validity: number, dumpThreadId: number, requestingThreadId: number): this {
    return this.#plan(0x47670001, (out) =>
      out.writer().u32(validity, dumpThreadId, requestingThreadId).finish(),
    );
  }

  handle(handle: SynthHandle): this {
    return this.#sized(12, 4, 32, (out) => handleRecord(out, handle), 4);
  }

  comment(text: string, wide = false): this {
    return this.#plan(wide ? 11 : 10, (out) =>
      (wide ? out.writer().utf16(text).u16(0) : out.writer().utf8(text).u8(0)).finish(),
    );
  }

  /** A file of /proc or /etc as it is. */
  linux(file: keyof typeof LINUX_STREAMS, text: string): this {
    return this.stream(LINUX_STREAMS[file], new TextEncoder().encode(text));
  }

  auxv(...entries: readonly (readonly [number, bigint])[]): this {
    return this.#plan(LINUX_STREAMS.auxv, (out) => auxv(out, this.#wordSize, entries));
  }

  dsoDebug(debug: SynthDsoDebug): this {
    return this.#plan(0x4767000a, (out) => dsoDebug(out, this.#wordSize, debug));
  }

  crashpadInfo(info: SynthCrashpadInfo): this {
    return this.#plan(0x43500001, (out) => crashpadInfo(out, info));
  }

  /** A stream of any type and content. */
  stream(type: number, bytes: Uint8Array): this {
    return this.#plan(type, () => bytes);
  }

  /** An entry of the directory that leads wherever it says. */
  entry(type: number, place: Place): this {
    this.#entries.push({ type, ...place });
    return this;
  }

  finish(): Uint8Array {
    const { endian = "little", timestamp = 0 } = this.#options;
    const count = this.#streams.length + this.#entries.length;
    const out = new Placer(endian, 32 + 12 * count);
    const placed = this.#streams.map(({ type, body }) => ({ type, ...out.place(body(out)) }));
    const file = new ByteWriter(endian);
    file.u32(0x504d444d, 0x1234a793, count, 32, 0, timestamp).u64(0x42);
    for (const { type, ...place } of [...placed, ...this.#entries]) location(file.u32(type), place);
    return file.bytes(out.finish()).finish();
  }

  get #wordSize(): 4 | 8 {
    return this.#cpu === "x86" || this.#cpu === "arm" ? 4 : 8;
  }

  #plan(type: number, body: PlannedStream["body"]): this {
    this.#streams.push({ type, body });
    return this;
  }

  /** A record of a list that begins with its count. */
  #listed(type: number, record: (out: Placer) => Uint8Array): this {
    return this.#append(type, record, (out, count) =>
      out
        .writer()
        .u32(count)
        .zeros(this.#options.padLists ? 4 : 0),
    );
  }

  /**
   * A record of a list whose header tells its own size and that of a record; `tail` bytes follow
   * its count.
   */
  #sized(
    type: number,
    countSize: 4 | 8,
    recordSize: number,
    record: (out: Placer) => Uint8Array,
    tail = 0,
  ): this {
    return this.#append(type, record, (out, count) =>
      out
        .writer()
        .u32(8 + countSize + tail, recordSize)
        .uint(count, countSize)
        .zeros(tail),
    );
  }

  #append(
    type: number,
    record: (out: Placer) => Uint8Array,
    header: (out: Placer, count: number) => ByteWriter,
  ): this {
    const records = this.#lists.get(type) ?? [];
    records.push(record);
    if (records.length > 1) return this;
    this.#lists.set(type, records);
    return this.#plan(type, (out) => {
      const bodies = records.map((body) => body(out));
      const list = header(out, records.length);
      for (const body of bodies) list.bytes(body);
      return list.finish();
    });
  }

  #context(
    out: Placer,
    { registers, context }: Pick<SynthDumpThread, "registers" | "context">,
  ): Place {
    if (context) return out.place(context);
    const { endian, contextExtra } = this.#options;
    return registers
      ? out.place(synthContext(this.#cpu, registers, endian, contextExtra))
      : NOWHERE;
  }

  #threadNames(out: Placer): Uint8Array {
    const named = [...this.#names].map(([id, name]) => ({ id, rva: out.utf16(name) }));
    const list = out
      .writer()
      .u32(named.length)
      .zeros(this.#options.padLists ? 4 : 0);
    for (const { id, rva } of named) list.u32(id).u64(rva);
    return list.finish();
  }
}
export type { SynthMinidump };

/** A dump without streams, to which each call adds one, or a record to one; `finish()` gives its bytes. */
export const synthMinidump = (options: SynthOptions = {}): SynthMinidump =>
  new SynthMinidump(options);

/** A stack word by word: `stackAt(0x7000n).u64(0x1n).u64(0x401000n)`, from its lowest address on. */
export const stackAt = (start: bigint, endian: Endian = "little"): SynthStack =>
  new SynthStack(start, endian);

class SynthStack implements SynthMemory {
  readonly start: bigint;
  readonly #out: ByteWriter;

  constructor(start: bigint, endian: Endian) {
    this.start = start;
    this.#out = new ByteWriter(endian);
  }

  get bytes(): Uint8Array {
    return this.#out.finish();
  }

  u32(...words: readonly bigint[]): this {
    this.#out.u32(...words);
    return this;
  }

  u64(...words: readonly bigint[]): this {
    this.#out.u64(...words);
    return this;
  }

  zeros(bytes: number): this {
    this.#out.zeros(bytes);
    return this;
  }
}
export type { SynthStack };
