/**
 * Whether a call ends right before an address, for x86 and x86-64.
 *
 * Intel SDM volume 2, CALL: E8 rel32 and FF /2. Not handled: far calls.
 */
import type { Memory } from "../ports.ts";

const CALL_RELATIVE = 0xe8n;
const CALL_RELATIVE_LENGTH = 5;
const CALL_INDIRECT = 0xffn;
const LONGEST_INDIRECT = 7;

/** Undefined where the bytes are not known. */
export function followsCallX86(address: bigint, memory: Memory): boolean | undefined {
  if (memory.read(address - BigInt(CALL_RELATIVE_LENGTH), 1) === CALL_RELATIVE) return true;
  for (let length = 2; length <= LONGEST_INDIRECT; length++) {
    const start = address - BigInt(length);
    const opcode = memory.read(start, 1);
    const modrm = memory.read(start + 1n, 1);
    if (opcode === undefined || modrm === undefined) return undefined;
    if (opcode === CALL_INDIRECT && indirectCallLength(Number(modrm)) === length) return true;
  }
  return false;
}

/** Bytes of `FF /2` with that ModRM byte (SDM volume 2, table 2-2), 0 when it is another instruction. */
function indirectCallLength(modrm: number): number {
  const mode = modrm >> 6;
  const operand = modrm & 7;
  if (((modrm >> 3) & 7) !== 2) return 0;
  if (mode === 3) return 2;
  const scaleIndexBase = operand === 4 ? 1 : 0;
  const displacement = mode === 1 ? 1 : mode === 2 || operand === 5 ? 4 : 0;
  return 2 + scaleIndexBase + displacement;
}
