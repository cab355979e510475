/**
 * The C stack section of CPython 3.14+ → native frames and the modules they lie in.
 *
 * Python/traceback.c, `_Py_DumpStack`: `SYM+0xOFF` counts from the symbol, `+0xOFF` from the file's
 * load bias, and no offset at all means a load bias of 0 (an executable that is not position
 * independent), so that one frame without a symbol tells where a file's other frames lie, too.
 */
import type { CStack, CStackFrame } from "@faultline/faulthandler";
import type { Gap, Module, NativeFrame } from "@faultline/shared";
import { gap } from "./gaps.ts";
import { hex, hexValue } from "./hex.ts";
import type { Activation } from "./native/frames.ts";

export interface NativeStack {
  /** Innermost first; stack pointers are not known. */
  readonly activations: readonly Activation[];
  readonly frames: readonly NativeFrame[];
  readonly modules: readonly Module[];
  readonly gaps: readonly Gap[];
}

export function nativeStack(cStack: CStack): NativeStack {
  const biases = loadBiases(cStack.frames);
  const reporting = reportingFrames(cStack.frames);
  const frames = cStack.frames.map((frame, index) =>
    nativeFrame(frame, biases.get(frame.file ?? "") ?? null, index < reporting),
  );
  return {
    activations: frames.map((frame) => ({ sp: 0n, pc: hexValue(frame.pc) ?? 0n, frames: [frame] })),
    frames,
    modules: modulesOf(cStack.frames, biases),
    gaps: gapsOf(cStack),
  };
}

/** Load bias of every file that has a frame without a symbol. */
function loadBiases(frames: readonly CStackFrame[]): ReadonlyMap<string, bigint> {
  const biases = new Map<string, bigint>();
  for (const { file, symbol, offset, address } of frames) {
    if (file === null || symbol !== null || biases.has(file)) continue;
    const pc = hexValue(address);
    const distance = offset === null ? pc : hexValue(offset);
    if (pc !== null && distance !== null && pc >= distance) biases.set(file, pc - distance);
  }
  return biases;
}

function nativeFrame(frame: CStackFrame, bias: bigint | null, reporting: boolean): NativeFrame {
  const pc = hexValue(frame.address);
  const offset = pc === null || bias === null || pc < bias ? null : pc - bias;
  return {
    language: "native",
    pc: frame.address,
    module: frame.file === null ? null : fileName(frame.file),
    offset: offset === null ? null : hex(offset),
    function: frame.symbol,
    linkageName: frame.symbol,
    file: null,
    line: null,
    column: null,
    inline: false,
    foundBy: "c-stack",
    role: reporting ? "trampoline" : null,
  };
}

/**
 * How many of the first frames belong to the reporting itself. Every section starts in
 * `_Py_DumpStack`. After a signal, faulthandler's handler (a static function of the interpreter,
 * so without a symbol) and the system's trampoline follow, and the frame after the trampoline is the
 * one that died: real runs show `_Py_DumpStack`, the handler, one frame of libc. A dump on demand has
 * no trampoline: there the interpreter's own frames go on.
 */
function reportingFrames(frames: readonly CStackFrame[]): number {
  const first = frames[0];
  if (first?.symbol !== "_Py_DumpStack") return 0;
  const trampoline = frames.findIndex((frame) => frame.file !== first.file);
  if (trampoline < 1 || trampoline > 3) return 1;
  return isTrampoline(frames[trampoline]!) ? trampoline + 1 : 1;
}

function isTrampoline({ file, symbol }: CStackFrame): boolean {
  if (symbol !== null) return /^_sigtramp$|^__(?:restore_rt|kernel_rt_sigreturn)$/.test(symbol);
  return (
    file === null ||
    /^(?:libc|libpthread|libsystem_platform|ld-musl|linux-vdso)\b/.test(fileName(file))
  );
}

function modulesOf(frames: readonly CStackFrame[], biases: ReadonlyMap<string, bigint>): Module[] {
  const files = new Set<string>();
  for (const { file } of frames) if (file !== null) files.add(file);
  return [...files].map((file) => {
    const bias = biases.get(file);
    return {
      name: fileName(file),
      codeFile: file,
      buildId: null,
      debugId: null,
      base: bias === undefined ? null : hex(bias),
      size: null,
      symbols: "unused",
    };
  });
}

function gapsOf({ frames, truncated, unavailable }: CStack): Gap[] {
  const gaps: Gap[] = [];
  if (truncated) {
    const detail = `CPython prints at most 32 C frames: those older than the ${frames.length} shown are missing.`;
    gaps.push(gap("c-stack-cut", detail));
  }
  if (unavailable !== null) {
    gaps.push(gap("c-stack-unavailable", `No C stack: CPython printed "${unavailable}".`));
  }
  return gaps;
}

const fileName = (path: string): string => path.slice(path.search(/[^\\/]*$/));
