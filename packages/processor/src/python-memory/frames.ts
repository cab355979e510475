/** The frames of one thread, and which of them one activation of the eval loop runs. */
import type { Position } from "@faultline/pyc";
import { MAX_PYTHON_FRAMES_PER_THREAD } from "../limits.ts";
import type { CodeFacts, CodeObjects } from "./code-objects.ts";
import { FIRST_MINOR_WITH_SHIMS, FIRST_SHIM_OWNER, type Layout } from "./layout.ts";
import type { ProcessMemory } from "./process-memory.ts";

export interface MemoryFrame extends CodeFacts {
  readonly position: Position;
  /** The interpreter's own, between a class call and its `__init__` (3.13 and later). */
  readonly helper: boolean;
}

/** Frames in a row that one activation of the eval loop runs, one calling the other. */
export interface PythonRun {
  /** How many; may be 0 for an activation that has not got its frame yet. */
  readonly frames: number;
  /** Address of a local variable of the activation; null where the version has none. */
  readonly anchor: bigint | null;
}

export interface FrameList {
  /** Innermost first. */
  readonly frames: readonly MemoryFrame[];
  /** Their partition, innermost first. */
  readonly runs: readonly PythonRun[];
  /** Why the list ends before its end; null when it does not. */
  readonly cut: string | null;
}

/** What is read with, for all threads of a process. */
export interface Reading {
  readonly memory: ProcessMemory;
  readonly layout: Layout;
  readonly codes: CodeObjects;
}

/** Follows the chain of frames from `top` (0: none). `cframe`: the innermost one (3.11). */
export function readFrames(reading: Reading, top: bigint, cframe: bigint | null): FrameList {
  const { memory, layout } = reading;
  const anchors = cframe === null ? null : cframeAnchors(reading, cframe);
  const seen = new Set<bigint>();
  const frames: MemoryFrame[] = [];
  const runs = new Runs(anchors);
  let cut: string | null = null;
  for (let at = top; at !== 0n;) {
    const previous = memory.word(at + BigInt(layout.frame.previous));
    if (previous === null) cut = "a frame is not in the dump";
    else if (seen.has(at)) cut = "its frames form a cycle";
    else if (seen.size >= MAX_PYTHON_FRAMES_PER_THREAD)
      cut = `more frames are not read (limit MAX_PYTHON_FRAMES_PER_THREAD, ${MAX_PYTHON_FRAMES_PER_THREAD})`;
    if (cut !== null || previous === null) break;
    seen.add(at);
    if (isShim(reading, at)) runs.shim(at);
    else {
      frames.push(readFrame(reading, at));
      runs.frame(at, endsRun(reading, at));
    }
    at = previous;
  }
  return { frames, runs: runs.finish(), cut };
}

/** Groups frames as they are met. */
class Runs {
  readonly #anchors: ReadonlyMap<bigint, bigint> | null;
  readonly #runs: PythonRun[] = [];
  #frames = 0;
  #first: bigint | null = null;

  /** `anchors`: by the first frame of a run. */
  constructor(anchors: ReadonlyMap<bigint, bigint> | null) {
    this.#anchors = anchors;
  }

  frame(address: bigint, isLast: boolean): void {
    this.#first ??= address;
    this.#frames++;
    if (isLast) this.#end(this.#anchors?.get(this.#first) ?? null);
  }

  shim(address: bigint): void {
    this.#end(address);
  }

  /** A shim that no frame follows is the thread state's own (3.15): no activation's. */
  finish(): readonly PythonRun[] {
    if (this.#frames > 0) this.#end(null);
    const last = this.#runs.findLastIndex(({ frames }) => frames > 0);
    return this.#runs.slice(0, last + 1);
  }

  #end(anchor: bigint | null): void {
    this.#runs.push({ frames: this.#frames, anchor });
    this.#frames = 0;
    this.#first = null;
  }
}

/** A frame that C code pushes around Python code: a local of the eval loop, no code of anybody. */
function isShim({ memory, layout }: Reading, frame: bigint): boolean {
  const { owner } = layout.frame;
  if (owner === null || layout.minor < FIRST_MINOR_WITH_SHIMS) return false;
  return (memory.byte(frame + BigInt(owner)) ?? 0) >= FIRST_SHIM_OWNER;
}

/** Up to 3.10 each activation runs one frame; 3.11 marks the last one; later a shim follows it. */
function endsRun({ memory, layout }: Reading, frame: bigint): boolean {
  if (layout.frame.owner === null) return true;
  const { entry } = layout.frame;
  return entry !== null && memory.byte(frame + BigInt(entry)) === 1;
}

function readFrame({ memory, layout, codes }: Reading, frame: bigint): MemoryFrame {
  const reference = memory.word(frame + BigInt(layout.frame.code)) ?? 0n;
  const code = reference & ~layout.frame.codeTags;
  const facts = codes.at(code);
  const position = codes.position(code, instructionOffset(memory, layout, frame, code));
  const helper = facts.name === "__init__" && facts.file === "__init__";
  const { name, qualname, file, firstLine } = facts;
  return { name, qualname, file, firstLine, position, helper };
}

/** In bytes of the bytecode; null where it cannot be told. */
function instructionOffset(
  memory: ProcessMemory,
  { frame: { instruction, counts, bytecodeIndex }, code: { bytecode, copies } }: Layout,
  frame: bigint,
  code: bigint,
): number | null {
  const at = frame + BigInt(instruction);
  if (counts !== "pointer") {
    const index = memory.int(at);
    return index === null || counts === "bytes" ? index : index * 2;
  }
  const pointer = memory.word(at);
  let start: bigint | null = code + BigInt(bytecode ?? 0);
  if (copies !== null && bytecodeIndex !== null) {
    const index = memory.int(frame + BigInt(bytecodeIndex)) ?? 0;
    if (index > 0) start = bytecodeCopy(memory, code + BigInt(copies), index);
  }
  if (pointer === null || start === null) return null;
  const offset = pointer - start;
  return offset > MAX_OFFSET || offset < -2n ? null : Number(offset);
}

/** Larger bytecode than this there is none. */
const MAX_OFFSET = 1n << 28n;

/** `_PyCodeArray`: a count, then where each thread's copy begins (pycore_code.h). */
function bytecodeCopy(memory: ProcessMemory, pointer: bigint, index: number): bigint | null {
  const list = memory.word(pointer);
  const count = list === null ? null : memory.word(list);
  if (list === null || count === null || BigInt(index) >= count) return null;
  return memory.word(list + 8n + 8n * BigInt(index));
}

/** `_PyCFrame`s by the frame that is the innermost of their activation. */
function cframeAnchors({ memory, layout }: Reading, first: bigint): Map<bigint, bigint> {
  const anchors = new Map<bigint, bigint>();
  if (layout.cframe === null) return anchors;
  const cframe = layout.cframe;
  const seen = new Set<bigint>();
  let at = first;
  while (at !== 0n && !seen.has(at) && seen.size < MAX_PYTHON_FRAMES_PER_THREAD) {
    seen.add(at);
    const frame = memory.word(at + BigInt(cframe.frame));
    if (frame !== null && frame !== 0n && !anchors.has(frame)) anchors.set(frame, at);
    at = memory.word(at + BigInt(cframe.previous)) ?? 0n;
  }
  return anchors;
}
