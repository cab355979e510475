/** Whether a word that nothing else vouches for can be a return address. */
import type { CodeKind } from "./ports.ts";
import type { Walker } from "./walker.ts";

const isLikelyCode = (kind: CodeKind): boolean =>
  kind === "function" || kind === "module" || kind === "anonymous";

/** In code, and behind a call where the bytes before it are known. `pointer` comes without signature. */
export function isReturnAddress(walker: Walker, pointer: bigint): boolean {
  const { cpu, code, memory } = walker;
  if (walker.isNoCode(cpu.codeAddress(pointer))) return false;
  if (!isLikelyCode(code.kindAt(walker.wrap(cpu.insideCall(pointer))))) return false;
  return cpu.followsCall(pointer, memory) !== false;
}
