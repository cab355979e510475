/**
 * The operand stack of a code object while its instructions are gone through once, from first to last:
 * for every slot, what was loaded into it where that can be told. It answers what a CALL calls.
 *
 * Where instructions go on that are reached only by jumps from behind, nothing is known until the next
 * place that a jump or an exception handler tells; then answers are "not known", never wrong ones.
 */
import { MAX_FOLLOWED_STACK, MAX_KEPT_SLOTS } from "../limits.ts";
import { Flow, type InstructionSet, Role } from "./instruction-set.ts";

/** What a slot holds. With an index: of a load (loads.ts), a constant in co_consts, or a code object. */
export const Slot = {
  other: 0,
  null: 1,
  constant: 2,
  name: 3,
  global: 4,
  local: 5,
  attribute: 6,
  /** A function made of that code object. */
  made: 7,
  buildClass: 8,
} as const;

const KIND_BITS = 4;
/** Larger indexes, which no compiler writes, are not followed. */
const MAX_INDEX = 1 << 26;
/** LOAD_GLOBAL and CALL have the NULL beside the callable below it up to 3.12, above it from 3.13 on. */
const FIRST_WITH_NULL_ABOVE = 13;
/** CALL_FUNCTION_EX always has a slot for keyword arguments. */
const FIRST_WITH_KEYWORD_SLOT = 14;

/** One number for kind and index. */
export const slot = (kind: number, index: number): number =>
  index < 0 || index > MAX_INDEX ? Slot.other : (index << KIND_BITS) | kind;

export const slotKind = (value: number): number => value & ((1 << KIND_BITS) - 1);
export const slotIndex = (value: number): number => value >> KIND_BITS;

export class OperandStack {
  readonly #set: InstructionSet;
  readonly #slots = new Int32Array(MAX_FOLLOWED_STACK);
  /** Number of slots; -1 while it is not known. */
  #depth = 0;
  /** Stacks at places that jumps lead to, by offset. */
  readonly #awaited = new Map<number, Int32Array>();
  #kept = 0;
  /** Depths at exception handlers, by offset. */
  readonly #handlers = new Map<number, number>();

  constructor(set: InstructionSet) {
    this.#set = set;
  }

  /** From here on another code object's instructions follow. `handlers`: depth at each handler's offset. */
  begin(handlers: Iterable<readonly [offset: number, depth: number]>): void {
    this.#depth = 0;
    this.#awaited.clear();
    this.#kept = 0;
    this.#handlers.clear();
    for (const [offset, depth] of handlers) this.#handlers.set(offset, depth);
  }

  /** The slot that is `below` the top one (0: the top itself). */
  at(below: number): number {
    const index = this.#depth - 1 - below;
    return index >= 0 && below >= 0 ? this.#slots[index]! : Slot.other;
  }

  /** What a call instruction calls; `base`: how many slots it takes. */
  callee(op: number, argument: number): number {
    const base = this.#taken(op, argument) - 1;
    const lowest = this.at(base);
    return slotKind(lowest) === Slot.null ? this.at(base - 1) : lowest;
  }

  /** The first argument of a call without NULL beside its callable: what a decorator is called with. */
  calleeSelf(op: number, argument: number): number {
    return this.at(this.#taken(op, argument) - 2);
  }

  /** The first argument of a call with NULL beside its callable. */
  firstArgument(op: number, argument: number): number {
    return this.at(this.#taken(op, argument) - 3);
  }

  /** Called before the instruction at `offset`: other ways may lead here. */
  arrive(offset: number): void {
    if (this.#handlers.size > 0) {
      const depth = this.#handlers.get(offset);
      if (depth !== undefined) {
        this.#depth = depth < MAX_FOLLOWED_STACK ? depth : -1;
        this.#slots.fill(Slot.other, 0, Math.max(0, this.#depth));
        return;
      }
    }
    if (this.#awaited.size === 0) return;
    const other = this.#awaited.get(offset);
    if (other === undefined) return;
    this.#awaited.delete(offset);
    if (this.#depth === -1) this.#restore(other);
    else this.#merge(other);
  }

  /** Called after an instruction: the ways on from it. `target`: where a jump leads. */
  leave(op: number, target: number): void {
    const flow = this.#set.flows[op]!;
    if (flow === Flow.next) return;
    if (flow !== Flow.end && this.#depth >= 0) this.#await(target, this.#set.jumpSlots[op]!);
    if (flow !== Flow.jump) this.#depth = -1;
  }

  /**
   * What the instruction does to the stack. `value`: what to put where it leaves its own, if that is
   * worth knowing: a name's load, a function, the outcome of a decorator.
   */
  apply(op: number, argument: number, value: number): void {
    const set = this.#set;
    if (set.known[op] === 0) this.#depth = -1;
    if (this.#depth === -1) return;
    switch (set.roles[op]!) {
      case Role.none:
        this.#move(set.pops[op]! + set.popsPerUnit[op]! * argument, set.pushes[op]!);
        break;
      case Role.loadConst:
        this.push(slot(Slot.constant, argument));
        break;
      case Role.loadName:
      case Role.loadLocal:
      case Role.importFrom:
        this.push(value);
        break;
      case Role.loadGlobal:
        this.#loadGlobal(argument, value);
        break;
      case Role.storeAndLoadLocal:
        this.#move(1, 0);
        this.push(value);
        break;
      case Role.pushNull:
        this.push(Slot.null);
        break;
      case Role.loadBuildClass:
        this.push(Slot.buildClass);
        break;
      default:
        this.#applyLong(op, argument, value);
    }
  }

  #applyLong(op: number, argument: number, value: number): void {
    const set = this.#set;
    switch (set.roles[op]!) {
      case Role.loadAttribute:
        this.#loadAttribute(1, value, set.minor >= 12 && (argument & 1) === 1);
        break;
      case Role.loadMethod:
        this.#loadAttribute(1, value, true);
        break;
      case Role.loadSuperAttribute:
        this.#loadAttribute(3, value, (argument & 1) === 1);
        break;
      case Role.copy:
        this.push(this.at(argument - 1));
        break;
      case Role.swap:
        this.#swap(argument);
        break;
      case Role.unpackSequence:
        this.#move(1, argument);
        break;
      case Role.unpackEx:
        this.#move(1, (argument & 0xff) + 1 + (argument >>> 8));
        break;
      case Role.setFunctionAttribute: {
        const made = this.at(0);
        this.#move(2, 0);
        this.push(made);
        break;
      }
      default: {
        this.#move(this.#taken(op, argument), set.pushes[op]!);
        if (value !== Slot.other && this.#depth > 0) this.#slots[this.#depth - 1] = value;
      }
    }
  }

  /** Slots that the instruction takes. */
  #taken(op: number, argument: number): number {
    const set = this.#set;
    const fixed = set.pops[op]!;
    switch (set.roles[op]!) {
      case Role.callEx:
        return fixed + (set.minor < FIRST_WITH_KEYWORD_SLOT ? argument & 1 : 0);
      case Role.makeFunction: // up to 3.12 its flags tell what lies below the code object
        return fixed + (set.minor < 13 ? bitsSet(argument & 15) : 0);
      case Role.formatValue:
        return fixed + ((argument & 4) >> 2);
      case Role.buildInterpolation:
        return fixed + (argument & 1);
      default:
        return fixed + set.popsPerUnit[op]! * argument;
    }
  }

  #loadGlobal(argument: number, value: number): void {
    const hasNull = (argument & 1) === 1;
    const isAbove = this.#set.minor >= FIRST_WITH_NULL_ABOVE;
    if (hasNull && !isAbove) this.push(Slot.null);
    this.push(value);
    if (hasNull && isAbove) this.push(Slot.null);
  }

  /** `forCall`: there is a slot more, for self. */
  #loadAttribute(taken: number, value: number, forCall: boolean): void {
    this.#move(taken, 0);
    this.push(value);
    if (forCall) this.push(Slot.other);
  }

  push(value: number): void {
    const depth = this.#depth;
    if (depth === -1) return;
    if (depth === MAX_FOLLOWED_STACK) {
      this.#depth = -1;
      return;
    }
    this.#slots[depth] = value;
    this.#depth = depth + 1;
  }

  #move(pops: number, pushes: number): void {
    const bottom = this.#depth - pops;
    const depth = bottom + pushes;
    if (this.#depth === -1 || pops < 0 || bottom < 0 || pushes < 0 || depth > MAX_FOLLOWED_STACK) {
      this.#depth = -1;
      return;
    }
    for (let index = bottom; index < depth; index++) this.#slots[index] = Slot.other;
    this.#depth = depth;
  }

  #swap(argument: number): void {
    const top = this.#depth - 1;
    const other = this.#depth - argument;
    if (argument < 1 || other < 0) {
      this.#depth = -1;
      return;
    }
    const value = this.#slots[top]!;
    this.#slots[top] = this.#slots[other]!;
    this.#slots[other] = value;
  }

  #await(target: number, difference: number): void {
    const depth = this.#depth + difference;
    const before = this.#awaited.get(target);
    if (depth < 0 || depth > MAX_FOLLOWED_STACK) return;
    if (before !== undefined) {
      keepSame(before, this.#slots, depth);
      return;
    }
    this.#kept += depth;
    if (this.#kept > MAX_KEPT_SLOTS) return;
    const copy = this.#slots.slice(0, depth);
    if (difference > 0) copy.fill(Slot.other, this.#depth);
    this.#awaited.set(target, copy);
  }

  #restore(slots: Int32Array): void {
    this.#slots.set(slots);
    this.#depth = slots.length;
  }

  #merge(other: Int32Array): void {
    if (other.length !== this.#depth) {
      this.#depth = -1;
      return;
    }
    keepSame(this.#slots, other, other.length);
  }
}

/** Forgets in `slots` what `others` has not as well. */
function keepSame(slots: Int32Array, others: Int32Array, count: number): void {
  for (let index = 0; index < Math.min(count, slots.length); index++) {
    if (slots[index] !== others[index]) slots[index] = Slot.other;
  }
}

const bitsSet = (flags: number): number =>
  (flags & 1) + ((flags >> 1) & 1) + ((flags >> 2) & 1) + ((flags >> 3) & 1);
