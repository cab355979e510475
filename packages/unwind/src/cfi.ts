/**
 * Callers by call frame information.
 *
 * DWARF 5, section 6.4: the row's rules are applied to the callee's registers. What the row leaves unsaid holds by the
 * ABI: callee-saved registers keep their values, the others are unknown, the stack pointer is the CFA.
 */
import type { Registers } from "./frame.ts";
import { evaluate, ExpressionFault } from "./expression.ts";
import type { RegisterRule, UnwindRules } from "./ports.ts";
import {
  type Finding,
  failure,
  hex,
  memoryMissing,
  type Level,
  notApplicable,
  outermost,
  type Walker,
} from "./walker.ts";

export function callerByCfi(walker: Walker, callee: Level): Finding {
  const { rules } = callee;
  if (rules === null) return notApplicable;
  const returnRule = rules.registers.get(rules.returnAddress);
  if (returnRule?.kind === "undefined") return outermost;
  const cfa = cfaOf(walker, callee, rules);
  if (typeof cfa === "string") return failure(cfa);
  const stored = returnAddressOf(walker, callee, rules, cfa);
  if (stored === undefined) return returnAddressFailure(walker, returnRule, cfa);
  const registers = callerRegisters(walker, callee, rules, cfa, stored);
  if (stored === 0n && isNullFrame(walker, rules, registers)) return outermost;
  const pointer = walker.unsigned(stored);
  registers[walker.cpu.pc] = walker.cpu.codeAddress(pointer);
  const sp = registers[walker.cpu.sp] ?? cfa;
  return { kind: "caller", pointer, sp, registers, stopped: rules.signalFrame };
}

function returnAddressFailure(
  walker: Walker,
  rule: RegisterRule | undefined,
  cfa: bigint,
): Finding {
  if (rule?.kind !== "offset") return failure("the return address is not known");
  const at = hex(walker.wrap(cfa + BigInt(rule.offset)));
  return memoryMissing(`the return address at ${at} is not in the dump`);
}

/** A null return address ends the stack if the frame pointer agrees; what a signal interrupted may have called NULL. */
const isNullFrame = (
  { cpu }: Walker,
  { signalFrame }: UnwindRules,
  registers: Registers,
): boolean => !signalFrame && (registers[cpu.framePointer] ?? 0n) === 0n;

/** The canonical frame address, or why there is none. */
function cfaOf(walker: Walker, callee: Level, rules: UnwindRules): bigint | string {
  const { cfa } = rules;
  if (cfa.kind === "expression") {
    const value = evaluate(walker, callee, cfa.expression, []);
    return value instanceof ExpressionFault ? blame(walker, value, "the CFA") : value;
  }
  const base = callee.frame.registers[cfa.register];
  if (base !== undefined) return walker.wrap(base + BigInt(cfa.offset));
  const byRecord = cfa.register === walker.cpu.sp ? cfaByRecord(walker, callee, rules) : null;
  return byRecord ?? `${registerName(walker, cfa.register)}, base of the CFA, is not known`;
}

// On arm64 a frame found by its record has no exact stack pointer: records lie at the bottom of their frames, and how
// much the compiler put above is not told. GCC's tables compute the CFA from the stack pointer all the same. But they
// also say where the record was saved, and that is where the frame pointer points; so the CFA follows from it.
// Test: frame-pointer.test.ts, "the CFA of a frame whose stack pointer is not known".
function cfaByRecord(walker: Walker, callee: Level, rules: UnwindRules): bigint | null {
  const { cpu } = walker;
  const framePointer = callee.frame.registers[cpu.framePointer];
  const saved = rules.registers.get(cpu.framePointer);
  const link = rules.registers.get(rules.returnAddress);
  if (framePointer === undefined || callee.stopped) return null;
  if (saved?.kind !== "offset" || link?.kind !== "offset") return null;
  if (link.offset !== saved.offset + cpu.addressSize) return null;
  return walker.wrap(framePointer - BigInt(saved.offset));
}

/** The return address as it is stored; undefined when it cannot be told. */
function returnAddressOf(
  walker: Walker,
  callee: Level,
  rules: UnwindRules,
  cfa: bigint,
): bigint | undefined {
  const column = rules.returnAddress;
  const rule = rules.registers.get(column);
  if (rule !== undefined) return recover(walker, callee, cfa, column, rule);
  return column === walker.cpu.linkRegister ? callee.frame.registers[column] : undefined;
}

function callerRegisters(
  walker: Walker,
  callee: Level,
  rules: UnwindRules,
  cfa: bigint,
  stored: bigint,
): (bigint | undefined)[] {
  const { cpu } = walker;
  const registers = withoutScratch(walker, callee.frame.registers);
  registers[cpu.sp] = cfa;
  for (let register = 0; register < registers.length; register++) {
    const rule = rules.registers.get(register);
    if (rule === undefined || register === rules.returnAddress) continue;
    if (register === cpu.sp && (rule.kind === "same-value" || rule.kind === "undefined")) continue;
    registers[register] = recover(walker, callee, cfa, register, rule);
  }
  // A call overwrites the link register; a signal leaves it as it was.
  if (!rules.signalFrame && cpu.linkRegister !== null) registers[cpu.linkRegister] = undefined;
  else if (rules.returnAddress < registers.length) registers[rules.returnAddress] = stored;
  return registers;
}

/** The registers that a called function gives back, of `registers`. */
export function withoutScratch(walker: Walker, registers: Registers): (bigint | undefined)[] {
  const kept = walker.noRegisters();
  for (const register of walker.cpu.calleeSaved) kept[register] = registers[register];
  return kept;
}

/** The caller's value of `register` by its rule, undefined when it cannot be told. */
function recover(
  walker: Walker,
  callee: Level,
  cfa: bigint,
  register: number,
  rule: RegisterRule,
): bigint | undefined {
  const { registers } = callee.frame;
  switch (rule.kind) {
    case "offset":
      return walker.word(cfa + BigInt(rule.offset));
    case "same-value":
      return registers[register];
    case "register":
      return registers[rule.register];
    case "val-offset":
      return walker.wrap(cfa + BigInt(rule.offset));
    case "undefined":
      return undefined;
    case "expression":
    case "val-expression": {
      const value = evaluate(walker, callee, rule.expression, [cfa]);
      if (value instanceof ExpressionFault) {
        blame(walker, value, registerName(walker, register));
        return undefined;
      }
      return rule.kind === "expression" ? walker.word(value) : value;
    }
  }
}

/** Why `what` has no value; a gap when the expression is at fault. */
function blame(walker: Walker, fault: ExpressionFault, what: string): string {
  const why = `expression of ${what}: ${fault.message}`;
  if (fault.code === "limit") walker.gap("step-limit", why);
  if (fault.code === "damaged") walker.gap("expression-damaged", why);
  return why;
}

const registerName = ({ cpu }: Walker, register: number): string =>
  cpu.registerNames[register] ?? `register ${register}`;
