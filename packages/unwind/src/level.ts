/** From what a technique found to the next frame, and the checks that every caller must pass. */
import type { Address } from "@faultline/bytes";
import type { FoundBy, Frame, Registers } from "./frame.ts";
import { MAX_FLAT_FRAMES, MAX_SIGNAL_FRAMES, MAX_STACK_SWITCHES } from "./limits.ts";
import type { UnwindRules } from "./ports.ts";
import { trampolineAt } from "./signal-trampoline.ts";
import { type Caller, hex, type Level, type Walker } from "./walker.ts";

/** The frame that was stopped where the registers say; null when they lack the program counter or the stack pointer. */
export function contextLevel(walker: Walker, registers: Registers): Level | null {
  const { cpu } = walker;
  const [pc, sp] = [registers[cpu.pc], registers[cpu.sp]];
  if (pc === undefined || sp === undefined) return null;
  const pointer = walker.wrap(pc);
  return levelOf(walker, { kind: "caller", pointer, sp, registers, stopped: true }, "registers");
}

/** The caller's frame, or why it cannot be one. */
export function callerLevel(
  walker: Walker,
  callee: Level,
  caller: Caller,
  foundBy: FoundBy,
): Level | string {
  const level = levelOf(walker, caller, foundBy);
  const objection = caller.stopped
    ? objectionToSwitch(walker, callee.frame, level.frame)
    : (objectionToPlace(walker, level) ?? objectionToStack(walker, callee, level));
  return objection ?? level;
}

/** The frame as it is found, unchecked. */
export function levelOf(walker: Walker, caller: Caller, foundBy: FoundBy): Level {
  const { cpu } = walker;
  const { pointer, sp, registers, stopped } = caller;
  const pc = cpu.codeAddress(pointer);
  const inside = stopped ? pc : walker.wrap(cpu.insideCall(pointer));
  const rules = walker.code.rulesAt(inside) ?? trampolineRules(walker, pc, stopped);
  const signalFrame =
    rules === null ? !stopped && trampolineAt(walker, pc, sp) !== undefined : rules.signalFrame;
  const frame = {
    pc: pc as Address,
    // Nothing called a trampoline: the handler returns to its first instruction, and the one before is another function's.
    lookupPc: (signalFrame ? pc : inside) as Address,
    sp: sp as Address,
    registers,
    foundBy,
    signalFrame,
  };
  return { frame, rules, stopped };
}

// The kernel makes signal handlers return to the first instruction of a trampoline. The tables of glibc begin a byte
// earlier, so that the usual lookup one byte back finds them; others' do not.
function trampolineRules(walker: Walker, pc: bigint, stopped: boolean): UnwindRules | null {
  if (stopped) return null;
  const rules = walker.code.rulesAt(pc);
  return rules?.signalFrame === true ? rules : null;
}

function objectionToPlace(walker: Walker, { frame, rules }: Level): string | null {
  if (walker.isNoCode(frame.pc)) return `${hex(frame.pc)} is no code`;
  if (rules === null && walker.code.kindAt(frame.lookupPc) === "data")
    return `${hex(frame.pc)} is not in executable memory`;
  return null;
}

/** Returning takes the stack pointer up; only a function that keeps its return address in a register may leave it. */
function objectionToStack(walker: Walker, callee: Level, { frame }: Level): string | null {
  const { sp } = callee.frame;
  if (frame.sp > sp) {
    walker.flatFrames = 0;
    return null;
  }
  const flat = frame.sp === sp && walker.cpu.linkRegister !== null;
  if (flat && frame.pc !== callee.frame.pc && walker.flatFrames < MAX_FLAT_FRAMES) {
    walker.flatFrames++;
    return null;
  }
  return `the stack pointer would go from ${hex(sp)} to ${hex(frame.sp)}`;
}

/** What a signal interrupted may have any stack, but a walk that goes back and forth between two ends, or up without end. */
function objectionToSwitch(walker: Walker, callee: Frame, caller: Frame): string | null {
  if (walker.signalFrames++ >= MAX_SIGNAL_FRAMES) {
    const many = `more than MAX_SIGNAL_FRAMES (${MAX_SIGNAL_FRAMES}) signal frames`;
    walker.gap("stack-switch-limit", many);
    return many;
  }
  if (caller.sp > callee.sp) return null;
  if (walker.stackSwitches++ < MAX_STACK_SWITCHES) return null;
  walker.gap(
    "stack-switch-limit",
    `more than MAX_STACK_SWITCHES (${MAX_STACK_SWITCHES}) signal frames led to a lower stack`,
  );
  return "the walk goes back and forth";
}
