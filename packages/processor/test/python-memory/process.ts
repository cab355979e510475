/** Processes that run Python, made up: what a dump would hold of them. */
import { linetable310, lnotab, locationTable } from "@faultline/testkit";
import { Heap, type Segment } from "./heap.ts";
import {
  CODE_COPIES,
  FRAME_COPY_INDEX,
  selfDescription,
  type Structures,
  structuresOf,
} from "./structures.ts";

export interface SynthFrame {
  readonly file: string;
  readonly name: string;
  readonly qualname?: string;
  readonly firstLine?: number;
  /** Of the instruction that runs; null: it has none. */
  readonly line: number | null;
  readonly columns?: readonly [number, number];
  /** Runs a copy of its bytecode (free-threaded 3.14 and later). */
  readonly copy?: number;
}

export interface SynthThread {
  readonly ident: bigint;
  readonly nativeId?: number;
  /** Of the main one by default; a thread may have a state in each. */
  readonly interpreter?: number;
  /** Innermost first: the frames of each activation of the eval loop, and where it lies. */
  readonly runs: readonly { readonly frames: readonly SynthFrame[]; readonly at: bigint }[];
}

export interface SynthProcess {
  readonly minor: number;
  readonly freeThreaded?: boolean;
  readonly threads: readonly SynthThread[];
  readonly collecting?: boolean;
  /** PY_VERSION_HEX; else that of 3.minor.0 final. */
  readonly hexVersion?: number;
}

export interface BuiltProcess {
  /** Of `_PyRuntime`, which a segment of its own holds. */
  readonly runtime: bigint;
  readonly segments: readonly Segment[];
  readonly heap: Heap;
  readonly stack: Heap;
  readonly structures: Structures;
  /** Addresses of all thread states, and of all frames, innermost first. */
  readonly states: readonly bigint[];
  readonly frames: readonly bigint[];
}

/** What modules of made-up processes are called and where they lie. */
export const MODULE_BASE = 0x7f00_0000_0000n;
export const MODULE_BYTES = 0x10_0000;
const RUNTIME = MODULE_BASE + 0x8000n;
export const STACK = 0x7ffd_0000_0000n;

export const aProcess = (process: SynthProcess): BuiltProcess => new Builder(process).build();

class Builder {
  readonly #process: SynthProcess;
  readonly #at: Structures;
  readonly #runtime = new Heap(RUNTIME, 0x800);
  readonly #heap = new Heap(0x5500_0000_0000n, 0x2000);
  /** Shims and cframes are written where the threads say. */
  readonly #stack = new Heap(STACK, 0x800);
  readonly #states: bigint[] = [];
  readonly #frames: bigint[] = [];

  constructor(process: SynthProcess) {
    this.#process = process;
    this.#at = structuresOf(process.minor);
  }

  build(): BuiltProcess {
    const { minor, threads } = this.#process;
    if (minor >= 13) this.#describe();
    const byInterpreter = Map.groupBy(threads, ({ interpreter = 0 }) => interpreter);
    let first = 0n;
    for (const [, own] of [...byInterpreter].toSorted(([one], [other]) => one - other)) {
      const interpreter = this.#heap.place(0x400);
      let next = 0n;
      for (const thread of own.toReversed()) next = this.#thread(thread, interpreter, next);
      this.#put(this.#heap, interpreter, this.#at.interpreterThreads, next);
      this.#put(this.#heap, interpreter, this.#at.interpreterNext, first);
      this.#collect(interpreter);
      first = interpreter;
    }
    this.#put(this.#runtime, RUNTIME, this.#at.runtimeInterpreters, first);
    this.#states.reverse();
    return {
      runtime: RUNTIME,
      segments: [this.#runtime, this.#heap, this.#stack],
      heap: this.#heap,
      stack: this.#stack,
      structures: this.#at,
      states: this.#states,
      frames: this.#frames,
    };
  }

  #describe(): void {
    const {
      minor,
      freeThreaded = false,
      hexVersion = (3 << 24) | (minor << 16) | 0xf0,
    } = this.#process;
    const words = [hexVersion, Number(freeThreaded), ...this.#description(freeThreaded)];
    this.#runtime.write(RUNTIME, new TextEncoder().encode("xdebugpy"));
    for (const [index, word] of words.entries())
      this.#runtime.word(RUNTIME + BigInt(8 + 8 * index), word);
  }

  #description(freeThreaded: boolean): readonly number[] {
    return selfDescription(this.#process.minor, this.#at, freeThreaded);
  }

  #collect(interpreter: bigint): void {
    const [where, offset] = this.#at.collecting;
    const flag = Number(this.#process.collecting ?? false);
    if (where === "runtime") this.#runtime.int(RUNTIME + BigInt(offset), flag);
    else this.#heap.int(interpreter + BigInt(offset), flag);
  }

  #thread({ ident, nativeId, runs }: SynthThread, interpreter: bigint, next: bigint): bigint {
    const at = this.#at;
    const state = this.#heap.place(0x200);
    this.#put(this.#heap, state, at.threadNext, next);
    this.#put(this.#heap, state, at.threadInterpreter, interpreter);
    this.#put(this.#heap, state, at.threadIdent, ident);
    if (at.threadNative !== null) this.#put(this.#heap, state, at.threadNative, nativeId ?? 0);
    let previous = this.#process.minor >= 15 ? this.#baseFrame() : 0n;
    let cframe = 0n;
    const frames: bigint[] = [];
    for (const run of runs.toReversed()) {
      if (this.#process.minor >= 12) previous = this.#shim(run.at, previous);
      for (const [depth, frame] of run.frames.toReversed().entries()) {
        previous = this.#frame(frame, previous, depth === 0);
        frames.unshift(previous);
      }
      if (at.cframe !== null) cframe = this.#cframe(run.at, previous, cframe);
    }
    this.#frames.unshift(...frames);
    this.#put(this.#heap, state, at.threadTop, at.cframe === null ? previous : cframe);
    this.#states.push(state);
    return state;
  }

  /** From 3.15 on every chain ends with a shim that belongs to the thread state. */
  #baseFrame(): bigint {
    const address = this.#heap.place(0x80);
    this.#heap.byte(address + BigInt(this.#at.frameOwner ?? 0), 3);
    return address;
  }

  #shim(address: bigint, previous: bigint): bigint {
    this.#put(this.#stack, address, this.#at.framePrevious, previous);
    this.#stack.byte(address + BigInt(this.#at.frameOwner ?? 0), this.#process.minor >= 14 ? 4 : 3);
    return address;
  }

  /** Behind the shim of the same activation. */
  #cframe(address: bigint, frame: bigint, previous: bigint): bigint {
    const [frameAt, previousAt] = this.#at.cframe!;
    const cframe = address + 0x60n;
    this.#put(this.#stack, cframe, frameAt, frame);
    this.#put(this.#stack, cframe, previousAt, previous);
    return cframe;
  }

  #frame(frame: SynthFrame, previous: bigint, isEntry: boolean): bigint {
    const at = this.#at;
    const { minor, freeThreaded = false } = this.#process;
    const address = this.#heap.place(0x80);
    const { code, bytecode } = this.#code(frame);
    this.#put(this.#heap, address, at.framePrevious, previous);
    this.#put(this.#heap, address, at.frameCode, minor >= 14 ? code | 1n : code);
    if (at.frameEntry !== null) this.#heap.byte(address + BigInt(at.frameEntry), Number(isEntry));
    if (at.codeBytecode === null)
      this.#heap.int(address + BigInt(at.frameInstruction), minor === 10 ? RUNNING / 2 : RUNNING);
    else this.#put(this.#heap, address, at.frameInstruction, bytecode + BigInt(RUNNING));
    if (freeThreaded && minor >= 14)
      this.#heap.int(address + BigInt(FRAME_COPY_INDEX), frame.copy ?? 0);
    return address;
  }

  #code(frame: SynthFrame): { code: bigint; bytecode: bigint } {
    const at = this.#at;
    const { name, file, qualname = name, firstLine = 1 } = frame;
    const code = this.#heap.place(0x100);
    this.#put(this.#heap, code, at.codeFilename, this.#text(file));
    this.#put(this.#heap, code, at.codeName, this.#text(name));
    if (at.codeQualname !== null)
      this.#put(this.#heap, code, at.codeQualname, this.#text(qualname));
    this.#put(this.#heap, code, at.codeLineTable, this.#bytes(this.#lineTable(frame)));
    this.#heap.int(code + BigInt(at.codeFirstLine), firstLine);
    let bytecode = code + BigInt(at.codeBytecode ?? 0);
    if (frame.copy !== undefined) {
      bytecode = this.#heap.place(0x40);
      const copies = this.#heap.place(0x40);
      this.#heap.word(copies, frame.copy + 1);
      this.#put(this.#heap, copies, 8 + 8 * frame.copy, bytecode);
      this.#put(this.#heap, code, CODE_COPIES, copies);
    }
    return { code, bytecode };
  }

  #lineTable({ firstLine = 1, line, columns }: SynthFrame): Uint8Array {
    const { minor } = this.#process;
    if (minor < 10) return lnotab(firstLine, [{ start: RUNNING, line: line ?? 0 }], true);
    const ranges = [
      { length: RUNNING, line: firstLine },
      { length: 4, line },
    ];
    if (minor === 10) return linetable310(firstLine, ranges);
    const [column, endColumn] = columns ?? [null, null];
    return locationTable(firstLine, [ranges[0]!, { ...ranges[1]!, column, endColumn }]);
  }

  #bytes(bytes: Uint8Array): bigint {
    const address = this.#heap.place(this.#at.bytesData + bytes.length);
    this.#put(this.#heap, address, this.#at.bytesSize, bytes.length);
    this.#heap.write(address + BigInt(this.#at.bytesData), bytes);
    return address;
  }

  /** PEP 393, in the narrowest form. */
  #text(text: string): bigint {
    const { minor, freeThreaded = false } = this.#process;
    const characters = Array.from(text, (character) => character.codePointAt(0)!);
    const most = Math.max(0, ...characters);
    const kind = most < 0x100 ? 1 : most < 0x10000 ? 2 : 4;
    const isAscii = most < 0x80;
    const at = isAscii ? this.#at.textAscii : this.#at.textCompact;
    const address = this.#heap.place(at + kind * characters.length);
    const shift = freeThreaded && minor >= 14 ? 8 : 2;
    const state = 1 | ((kind | (1 << 3) | (Number(isAscii) << 4)) << shift);
    this.#put(this.#heap, address, this.#at.textLength, characters.length);
    this.#heap.int(address + BigInt(this.#at.textState), state);
    const data = new Uint8Array(kind * characters.length);
    for (const [index, character] of characters.entries())
      for (let byte = 0; byte < kind; byte++) data[index * kind + byte] = character >>> (8 * byte);
    this.#heap.write(address + BigInt(at), data);
    return address;
  }

  #put(heap: Heap, structure: bigint, offset: number, value: bigint | number): void {
    heap.word(structure + BigInt(offset), value);
  }
}

/** Offset of the instruction that runs, in every frame. */
const RUNNING = 8;
