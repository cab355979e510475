/** Whether a word that nothing else vouches for can be a return address. */
import type { CodeKind } from "./ports.ts";
import type { Walker } from "./walker.ts";

const isLikelyCode = (kind: CodeKind): boolean =>
  kind === "function" || kind === "module" || kind === "anonymous";

/** In code; `pointer` comes without signature, here and below. */
export const isInCode = (walker: Walker, pointer: bigint): boolean =>
  !walker.isNoCode(walker.cpu.codeAddress(pointer)) &&
  isLikelyCode(walker.code.kindAt(walker.wrap(walker.cpu.insideCall(pointer))));

/** In code, and behind a call where the bytes before it are known. */
export const isReturnAddress = (walker: Walker, pointer: bigint): boolean =>
  isInCode(walker, pointer) && walker.cpu.followsCall(pointer, walker.memory) !== false;

// Function pointers lie about on stacks as much as return addresses do, and compilers align functions. Of the words
// in dumps of CPython that scanning took for return addresses, 122 were so aligned, and 17 of them returned to;
// so without the bytes before it or a symbol that tells, such a word is passed over.
// Test: scan.test.ts, "a function's address is no return address".
export function isFunctionPointer(walker: Walker, pointer: bigint): boolean {
  const { cpu, code, memory } = walker;
  const pc = cpu.codeAddress(pointer);
  if (cpu.followsCall(pointer, memory) !== undefined) return false;
  const start = code.functionStart(pc);
  if (start !== null) return start === pc;
  return cpu.functionAlignment !== null && pc % cpu.functionAlignment === 0n;
}
