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
import { type Activation, activationOf } from "./native/frames.ts";
import type { ModuleMap } from "./native/modules.ts";
import { symbolGaps } from "./native/symbol-gaps.ts";

export interface NativeStack {
  /** Innermost first; stack pointers are not known. */
  readonly activations: readonly Activation[];
  readonly frames: readonly NativeFrame[];
  readonly modules: readonly Module[];
  readonly gaps: readonly Gap[];
  /** What its modules' symbols lack. */
  readonly symbolGaps: readonly Gap[];
}

/** `mapped`: the process's modules with their symbols, as far as they are known. */
export function nativeStack(cStack: CStack, mapped: ModuleMap): NativeStack {
  const biases = loadBiases(cStack.frames);
  const reporting = reportingFrames(cStack.frames);
  const activations = cStack.frames.map((frame, index): Activation => {
    const printed = nativeFrame(frame, biases.get(frame.file ?? "") ?? null);
    const found = symbolized(frame, mapped, isExact(index, reporting));
    const pc = hexValue(frame.address) ?? 0n;
    const frames = found ?? [printed];
    const marked = frames.map((one) => ({ ...one, role: "trampoline" }));
    return { sp: 0n, pc, frames: index < reporting ? marked : frames };
  });
  return {
    activations,
    frames: activations.flatMap(({ frames }) => frames),
    modules: modulesOf(cStack.frames, biases, mapped),
    gaps: gapsOf(cStack),
    symbolGaps: symbolGaps([{ activations, crashed: true }], mapped),
  };
}

/** Addresses are return addresses, but for the first and for the one that the signal interrupted. */
const isExact = (index: number, reporting: number): boolean =>
  index === 0 || (reporting > 1 && index === reporting);

/** Null where the modules are not known, or their symbols tell less than the text. */
function symbolized(
  { address }: CStackFrame,
  mapped: ModuleMap,
  exact: boolean,
): readonly NativeFrame[] | null {
  const pc = hexValue(address);
  if (pc === null) return null;
  const lookupPc = exact ? pc : pc - 1n;
  const place = { pc, lookupPc, sp: 0n, foundBy: "c-stack", signalFrame: false } as const;
  const { frames } = activationOf(place, mapped);
  return frames.some((frame) => frame.function !== null) ? frames : null;
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

function nativeFrame(frame: CStackFrame, bias: bigint | null): NativeFrame {
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
    role: null,
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

/** Those that are known to be mapped, else as much as the text tells of them. */
function modulesOf(
  frames: readonly CStackFrame[],
  biases: ReadonlyMap<string, bigint>,
  mapped: ModuleMap,
): Module[] {
  const files = new Set<string>();
  for (const { file } of frames) if (file !== null) files.add(file);
  const known = new Map(mapped.rows().map((row) => [row.codeFile, row]));
  return [...files].map((file) => {
    const row = known.get(file);
    if (row !== undefined) return row;
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
