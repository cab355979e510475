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
/** CALL_FUNCTION_EX always has a slot for keyword arguments. */
const FIRST_WITH_KEYWORD_SLOT = 14;

/** One number for kind and index. */
export const slot = (kind: number, index: number): number =>
  index < 0 || index > MAX_INDEX ? Slot.other : (index << KIND_BITS) | kind;

export const slotKind = (value: number): number => value & ((1 << KIND_BITS) - 1);
export const slotIndex = (value: number): number => value >> KIND_BITS;

/** In `arrivals`, beside what `unknownStack` and the kept stacks are: nobody leads here; nothing is known. */
const NO_ARRIVAL = 0;
const LOST = -1;

/** In `arrivals`: a stack of that depth of which nothing else is known; from -2 down. */
const unknownStack = (depth: number): number => -2 - depth;

export class OperandStack {
  /** By code unit: the stack that comes from where a jump or an exception leads here; 0 where none does. */
  arrivals = new Int32Array(256);
  readonly #set: InstructionSet;
  readonly #slots = new Int32Array(MAX_FOLLOWED_STACK);
  /** Number of slots; -1 while it is not known. */
  #depth = 0;
  #units = 0;
  /** Stacks of which something is known; an arrival is the index + 1. */
  readonly #stacks: Int32Array[] = [];
  #kept = 0;

  constructor(set: InstructionSet) {
    this.#set = set;
  }

  /** From here on another code object's instructions follow. */
  begin(codeLength: number): void {
    this.#depth = 0;
    this.#stacks.length = 0;
    this.#kept = 0;
    this.#units = codeLength >> 1;
    if (this.#units > this.arrivals.length) this.arrivals = new Int32Array(2 * this.#units);
    else this.arrivals.fill(NO_ARRIVAL, 0, this.#units);
  }

  /** An exception handler begins at `offset`, with a stack of that depth. */
  addHandler(offset: number, depth: number): void {
    const isThere = offset >= 0 && offset >> 1 < this.#units;
    if (isThere)
      this.arrivals[offset >> 1] = depth <= MAX_FOLLOWED_STACK ? unknownStack(depth) : LOST;
  }

  /** The slot that is `below` the top one (0: the top itself). */
  at(below: number): number {
    const index = this.#depth - 1 - below;
    return index >= 0 && below >= 0 ? this.#slots[index]! : Slot.other;
  }

  /** What a call instruction calls; `base`: how many slots it takes. */
  callee(op: number, argument: number): number {
    const base = this.taken(op, argument) - 1;
    const lowest = this.at(base);
    return slotKind(lowest) === Slot.null ? this.at(base - 1) : lowest;
  }

  /** The first argument of a call without NULL beside its callable: what a decorator is called with. */
  calleeSelf(op: number, argument: number): number {
    return this.at(this.taken(op, argument) - 2);
  }

  /** The first argument of a call with NULL beside its callable. */
  firstArgument(op: number, argument: number): number {
    return this.at(this.taken(op, argument) - 3);
  }

  /** Called before the instruction at an offset of `arrivals`: other ways lead here. */
  arrive(offset: number): void {
    const arrival = this.arrivals[offset >> 1]!;
    if (arrival > NO_ARRIVAL) this.#join(this.#stacks[arrival - 1]!);
    else if (arrival === LOST) this.#depth = -1;
    else this.#joinUnknown(unknownStack(arrival));
  }

  #join(stack: Int32Array): void {
    if (this.#depth === -1) {
      this.#slots.set(stack);
      this.#depth = stack.length;
    } else if (stack.length === this.#depth) {
      keepSame(this.#slots, stack, stack.length);
    } else {
      this.#depth = -1;
    }
  }

  #joinUnknown(depth: number): void {
    this.#depth = this.#depth === -1 || this.#depth === depth ? depth : -1;
    for (let index = 0; index < this.#depth; index++) this.#slots[index] = Slot.other;
  }

  /** Called after an instruction that does not just go on to the next one. `target`: where a jump leads. */
  leave(op: number, target: number): void {
    const flow = this.#set.flows[op]!;
    if (flow !== Flow.end) this.#await(target, this.#set.jumpSlots[op]!);
    if (flow !== Flow.jump) this.#depth = -1;
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

  /** Takes `pops` slots, and puts as many unknown ones as `pushes`. */
  move(pops: number, pushes: number): void {
    const bottom = this.#depth - pops;
    const depth = bottom + pushes;
    if (this.#depth === -1 || pops < 0 || bottom < 0 || pushes < 0 || depth > MAX_FOLLOWED_STACK) {
      this.#depth = -1;
      return;
    }
    for (let index = bottom; index < depth; index++) this.#slots[index] = Slot.other;
    this.#depth = depth;
  }

  /** Swaps the top slot with the one that is `argument` - 1 below it. */
  swap(argument: number): void {
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

  /** The stack is not known any more. */
  lose(): void {
    this.#depth = -1;
  }

  /** Slots that the instruction takes. */
  taken(op: number, argument: number): number {
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

  /** A jump leads to `target`, where there are `added` slots more than here. */
  #await(target: number, added: number): void {
    const unit = target >> 1;
    if (target < 0 || unit >= this.#units) return;
    const depth = this.#depth === -1 ? -1 : this.#depth + added;
    const before = this.arrivals[unit]!;
    if (before === NO_ARRIVAL) {
      this.arrivals[unit] = this.#arrivalOf(depth, added);
    } else if (before > NO_ARRIVAL) {
      const stack = this.#stacks[before - 1]!;
      if (stack.length === depth) keepSame(stack, this.#slots, depth);
      else this.arrivals[unit] = LOST;
    } else if (before !== unknownStack(depth)) {
      this.arrivals[unit] = LOST;
    }
  }

  /** The lowest `depth` slots, as an arrival; those that a jump adds are not known. */
  #arrivalOf(depth: number, added: number): number {
    if (depth < 0 || depth > MAX_FOLLOWED_STACK) return LOST;
    const known = added > 0 ? this.#depth : depth;
    let used = 0;
    while (used < known && this.#slots[used] === Slot.other) used++;
    if (used === known) return unknownStack(depth);
    this.#kept += depth;
    if (this.#kept > MAX_KEPT_SLOTS) return LOST;
    const stack = this.#slots.slice(0, depth);
    if (added > 0) stack.fill(Slot.other, known);
    return this.#stacks.push(stack);
  }
}

/** Forgets in `slots` what `others` has not as well. */
function keepSame(slots: Int32Array, others: Int32Array, count: number): void {
  for (let index = 0; index < count; index++) {
    if (slots[index] !== others[index]) slots[index] = Slot.other;
  }
}

const bitsSet = (flags: number): number =>
  (flags & 1) + ((flags >> 1) & 1) + ((flags >> 2) & 1) + ((flags >> 3) & 1);
