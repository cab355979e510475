/** The activations of the eval loop in a native stack, by the names of their functions. */
import type { NativeFrame } from "@faultline/shared";
import type { Activation } from "../native/frames.ts";
import { isEvalHandler, isEvalLoop } from "./roles.ts";

/**
 * Their indexes, innermost first. Handlers of instructions (3.14 and later, built with tail calls)
 * belong to the loop that they stand on. Copies of the loop that were inlined do not count.
 */
export function evalLoops(activations: readonly Activation[]): readonly number[] {
  const found: number[] = [];
  for (const [index, { frames }] of activations.entries()) {
    const own = frames.at(-1);
    if (own === undefined) continue;
    if (isEvalLoop(own)) found.push(index);
    else if (isEvalHandler(own) && !isHandled(activations[index + 1])) found.push(index);
  }
  return found;
}

function isHandled(caller: Activation | undefined): boolean {
  const own: NativeFrame | undefined = caller?.frames.at(-1);
  return own !== undefined && (isEvalLoop(own) || isEvalHandler(own));
}
