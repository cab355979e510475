/**
 * Callers by looking for a word on the stack that can be a return address.
 *
 * What frames leave behind is full of old return addresses, so a word must pass what is known of code, of the
 * instruction before it, and of the frame that it would make.
 */
import type { Registers } from "./frame.ts";
import { levelOf } from "./level.ts";
import { MAX_FRAME_BYTES, MAX_GUARD_PAGES, MAX_SCANNED_WORDS, SCAN_WORDS } from "./limits.ts";
import { isFunctionPointer, isInCode } from "./return-address.ts";
import { trampolineAt } from "./signal-trampoline.ts";
import { type Caller, type Finding, failure, type Level, type Walker } from "./walker.ts";

const PAGE = 4096n;

export function callerByScan(walker: Walker, callee: Level): Finding {
  const { sp } = callee.frame;
  const size = BigInt(walker.cpu.addressSize);
  let address = firstKnown(walker, sp + ((size - (sp % size)) % size));
  for (let index = 0; index < SCAN_WORDS; index++, address += size) {
    if (!mayScan(walker)) return failure("too much was scanned");
    const word = walker.word(address);
    if (word === undefined) break;
    const pointer = walker.unsigned(word);
    if (!isReturnedTo(walker, pointer, address + size)) continue;
    const caller = callerAt(walker, callee, address, pointer);
    if (goesOn(walker, caller)) return caller;
  }
  return failure("no word of the stack can be a return address");
}

/** By a call, or by a signal's handler: nothing calls the trampoline, which is a function's beginning. */
function isReturnedTo(walker: Walker, pointer: bigint, sp: bigint): boolean {
  if (!isInCode(walker, pointer)) return false;
  const { cpu, memory } = walker;
  if (trampolineAt(walker, cpu.codeAddress(pointer), sp) !== undefined) return true;
  return cpu.followsCall(pointer, memory) !== false && !isFunctionPointer(walker, pointer);
}

// At a stack overflow the stack pointer is in the guard page, which no dump holds; the stack begins behind it.
// Test: scan.test.ts, "a stack pointer in the guard page".
function firstKnown(walker: Walker, address: bigint): bigint {
  if (walker.word(address) !== undefined) return address;
  for (let page = 1; page <= MAX_GUARD_PAGES; page++) {
    const start = (address / PAGE + BigInt(page)) * PAGE;
    if (walker.word(start) !== undefined) return start;
  }
  return address;
}

function mayScan(walker: Walker): boolean {
  walker.scannedWords++;
  if (walker.scannedWords === MAX_SCANNED_WORDS + 1)
    walker.gap("scan-limit", `more than MAX_SCANNED_WORDS (${MAX_SCANNED_WORDS}) words`);
  return walker.scannedWords <= MAX_SCANNED_WORDS;
}

/** The frame that is returned to if `pointer`, saved at `address`, is a return address. */
function callerAt(walker: Walker, callee: Level, address: bigint, pointer: bigint): Caller {
  const { cpu } = walker;
  const sp = walker.wrap(address + BigInt(cpu.addressSize));
  const registers = walker.noRegisters();
  registers[cpu.pc] = cpu.codeAddress(pointer);
  registers[cpu.framePointer] = framePointerAt(walker, callee.frame, address);
  if (cpu.returnAddressEndsFrame) registers[cpu.sp] = sp;
  return { kind: "caller", pointer, sp, registers, stopped: false };
}

/** The caller's frame pointer: untouched if it points above, else what a record has below the return address. */
function framePointerAt(
  walker: Walker,
  callee: { readonly sp: bigint; readonly registers: Registers },
  address: bigint,
): bigint | undefined {
  const { cpu } = walker;
  const current = callee.registers[cpu.framePointer];
  if (current !== undefined && current > address) return current;
  const recordAt = address - BigInt(cpu.addressSize);
  if (!cpu.framePointerMandatory || recordAt < callee.sp) return undefined;
  const saved = walker.word(recordAt);
  return saved !== undefined && pointsAbove(walker, saved, address) ? saved : undefined;
}

const pointsAbove = (walker: Walker, pointer: bigint, address: bigint): boolean =>
  pointer > address && pointer - address <= MAX_FRAME_BYTES && walker.word(pointer) !== undefined;

/** Whether the frame's own unwind table, as far as it can be applied, leads from it to what may be code again. */
function goesOn(walker: Walker, caller: Caller): boolean {
  const { rules, frame } = levelOf(walker, caller, "scan");
  if (rules === null || rules.signalFrame || rules.cfa.kind !== "register") return true;
  const base = frame.registers[rules.cfa.register];
  const saved = rules.registers.get(rules.returnAddress);
  if (base === undefined || saved?.kind !== "offset") return true;
  const stored = walker.word(base + BigInt(rules.cfa.offset + saved.offset));
  if (stored === undefined || stored === 0n) return true;
  const pointer = walker.unsigned(stored);
  if (walker.isNoCode(walker.cpu.codeAddress(pointer))) return false;
  const kind = walker.code.kindAt(walker.wrap(walker.cpu.insideCall(pointer)));
  return kind !== "data" && kind !== "uncovered";
}
