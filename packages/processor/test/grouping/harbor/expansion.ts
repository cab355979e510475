/** A stack as the machine has it, innermost first: with the interpreter's frames between all calls. */
import { hash, share } from "./chance.ts";
import type { Moment } from "./images.ts";
import { between, callOf, entryOf, vectorcall } from "./interpreter.ts";
import { baseFrames } from "./interpreter-base.ts";
import { interpreterFrames, native, type NativeFrame } from "./native-frame.ts";
import { odds } from "./probabilities.ts";
import { isNative, type PythonSegment, type Stack } from "./scene.ts";

export type Expanded = NativeFrame | PythonSegment;

export const EVAL_LOOP = "_PyEval_EvalFrameDefault";

export function expanded({ segments, base }: Stack, moment: Moment): readonly Expanded[] {
  const { minor } = moment;
  const frames: Expanded[] = [];
  let index = segments.length - 1;
  while (index >= 0) {
    const segment = segments[index]!;
    index--;
    if (isNative(segment)) {
      frames.push(...segment.frames);
      const caller = segments[index];
      if (caller !== undefined && !isNative(caller))
        frames.push(...interpreterFrames(callOf(minor, segment.convention)));
      continue;
    }
    const { file, name, site } = segment;
    frames.push(native("py", EVAL_LOOP, hash(file, name, site)), segment);
    let outermost = segment;
    let caller = segments[index];
    while (caller !== undefined && !isNative(caller) && inOneLoop(minor, outermost)) {
      frames.push(caller);
      outermost = caller;
      index--;
      caller = segments[index];
    }
    frames.push(...interpreterFrames(entered(moment, outermost, caller)));
  }
  return [...frames, ...baseFrames(base, moment)];
}

/** Since 3.11 one loop runs a Python function and those it calls. */
const inOneLoop = (minor: number, { name, way }: PythonSegment): boolean =>
  minor >= 11 && between(minor, name, way) === null;

/** From a loop that runs `func`, its outermost function, to its caller. */
function entered(
  { minor }: Moment,
  func: PythonSegment,
  caller: Stack["segments"][number] | undefined,
): readonly string[] {
  const { file, name, way } = func;
  const fast = share(file, name) >= odds.generalEntry;
  if (caller === undefined) return entryOf(minor, false, fast);
  if (isNative(caller)) return [...entryOf(minor, false, fast), "PyObject_CallOneArg"];
  const special = between(minor, name, way);
  return [...entryOf(minor, special !== null, fast), ...(special ?? vectorcall(minor))];
}
