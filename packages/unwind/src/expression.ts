/**
 * DWARF expressions as unwind tables use them: value in, one address or value out.
 *
 * DWARF 5, section 2.5, of which section 6.4.2 leaves out what needs debug entries or a frame base. Little-endian, as
 * are all CPUs here. Not handled: typed values (section 2.5.1.2), address spaces, composite locations.
 */
import { MAX_ALL_EXPRESSION_STEPS, MAX_EXPRESSION_STACK, MAX_EXPRESSION_STEPS } from "./limits.ts";
import { hex, type Level, type Walker } from "./walker.ts";

/** Why an expression has no value. */
export class ExpressionFault extends Error {
  override readonly name = "ExpressionFault";
  /** `unknown`: it needs a register or memory that is not known; else it is damaged, or takes too long. */
  readonly code: "damaged" | "unknown" | "limit";
  constructor(code: ExpressionFault["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The value of `expression` in the frame of `level`, or why it has none. `initial` is on the stack when it starts. */
export function evaluate(
  walker: Walker,
  level: Level,
  expression: Uint8Array,
  initial: readonly bigint[],
): bigint | ExpressionFault {
  const machine = new Machine(walker, level, expression, initial);
  try {
    machine.run();
    return machine.pop();
  } catch (error) {
    if (error instanceof ExpressionFault) return error;
    throw error;
  }
}

class Machine {
  readonly walker: Walker;
  readonly level: Level;
  readonly bits: number;
  at = 0;
  readonly #code: Uint8Array;
  readonly #stack: bigint[];

  constructor(walker: Walker, level: Level, code: Uint8Array, initial: readonly bigint[]) {
    this.walker = walker;
    this.level = level;
    this.bits = 8 * walker.cpu.addressSize;
    this.#code = code;
    this.#stack = [...initial];
  }

  run(): void {
    for (let steps = 0; this.at < this.#code.length; steps++) {
      if (steps === MAX_EXPRESSION_STEPS)
        throw new ExpressionFault(
          "limit",
          `more than MAX_EXPRESSION_STEPS (${MAX_EXPRESSION_STEPS}) operations`,
        );
      if (this.walker.expressionSteps++ >= MAX_ALL_EXPRESSION_STEPS)
        throw new ExpressionFault(
          "limit",
          `more than MAX_ALL_EXPRESSION_STEPS (${MAX_ALL_EXPRESSION_STEPS}) operations in one walk`,
        );
      this.#step();
    }
  }

  #step(): void {
    const opcode = this.unsigned(1);
    const operation = operations.get(Number(opcode));
    if (operation === undefined)
      throw this.damage(`operation ${hex(opcode)} has no place in an unwind table`);
    operation(this, Number(opcode));
  }

  damage(what: string): ExpressionFault {
    return new ExpressionFault("damaged", `${what}, before byte ${this.at}`);
  }

  push(value: bigint): void {
    if (this.#stack.length === MAX_EXPRESSION_STACK)
      throw new ExpressionFault(
        "limit",
        `more than MAX_EXPRESSION_STACK (${MAX_EXPRESSION_STACK}) values on the stack`,
      );
    this.#stack.push(BigInt.asUintN(this.bits, value));
  }

  pop(): bigint {
    const value = this.#stack.pop();
    if (value === undefined) throw this.damage("the stack is empty");
    return value;
  }

  /** As a two's complement number. */
  popSigned(): bigint {
    return BigInt.asIntN(this.bits, this.pop());
  }

  /** A copy of the value `depth` below the top. */
  pick(depth: number): void {
    const value = this.#stack.at(-1 - depth);
    if (value === undefined) throw this.damage(`there are not ${depth + 1} values on the stack`);
    this.push(value);
  }

  unsigned(size: number): bigint {
    let value = 0n;
    for (let index = 0; index < size; index++) value |= BigInt(this.#byte()) << BigInt(8 * index);
    return value;
  }

  signed(size: number): bigint {
    return BigInt.asIntN(8 * size, this.unsigned(size));
  }

  uleb(): bigint {
    return this.#leb(false);
  }

  sleb(): bigint {
    return this.#leb(true);
  }

  #leb(signed: boolean): bigint {
    let value = 0n;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return signed ? BigInt.asIntN(shift + 7, value) : value;
    }
    throw this.damage("a number is longer than 64 bits");
  }

  #byte(): number {
    const byte = this.#code[this.at];
    if (byte === undefined) throw this.damage("it ends within an operation");
    this.at++;
    return byte;
  }

  jump(distance: bigint): void {
    const target = this.at + Number(distance);
    if (target < 0 || target > this.#code.length) throw this.damage("a branch leaves it");
    this.at = target;
  }

  register(number: bigint): bigint {
    const { cpu } = this.walker;
    const value = this.level.frame.registers[Number(number)];
    if (value !== undefined) return value;
    const name = cpu.registerNames[Number(number)] ?? `register ${number}`;
    throw new ExpressionFault("unknown", `${name} is not known`);
  }

  dereference(address: bigint, size: number): bigint {
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8)
      throw this.damage(`a value of ${size} bytes`);
    const value = this.walker.memory.read(address, size);
    if (value !== undefined) return value;
    throw new ExpressionFault("unknown", `memory at ${hex(address)} is not in the dump`);
  }
}

type Operation = (machine: Machine, opcode: number) => void;

/** An operation that replaces two values by one; `below` was pushed first. */
const binary =
  (compute: (below: bigint, top: bigint, machine: Machine) => bigint): Operation =>
  (machine) => {
    const top = machine.pop();
    machine.push(compute(machine.pop(), top, machine));
  };

const compare =
  (holds: (below: bigint, top: bigint) => boolean): Operation =>
  (machine) => {
    const top = machine.popSigned();
    machine.push(holds(machine.popSigned(), top) ? 1n : 0n);
  };

const divisor = (value: bigint, machine: Machine): bigint => {
  if (value === 0n) throw machine.damage("division by zero");
  return value;
};

const signedDivision: Operation = (machine) => {
  const top = divisor(machine.popSigned(), machine);
  machine.push(machine.popSigned() / top);
};

const shiftRightSigned: Operation = (machine) => {
  const count = machine.pop();
  const value = machine.popSigned();
  machine.push(value >> (count < BigInt(machine.bits) ? count : BigInt(machine.bits)));
};

const shift = (move: (value: bigint, count: bigint) => bigint): Operation =>
  binary((below, count, { bits }) => (count < BigInt(bits) ? move(below, count) : 0n));

const swap: Operation = (machine) => {
  const top = machine.pop();
  const below = machine.pop();
  machine.push(top);
  machine.push(below);
};

const rotate: Operation = (machine) => {
  const first = machine.pop();
  const second = machine.pop();
  const third = machine.pop();
  machine.push(first);
  machine.push(third);
  machine.push(second);
};

const branch: Operation = (machine) => {
  const distance = machine.signed(2);
  if (machine.pop() !== 0n) machine.jump(distance);
};

const absolute: Operation = (machine) => {
  const value = machine.popSigned();
  machine.push(value < 0n ? -value : value);
};

const addressOperand: Operation = (machine) => {
  const { walker, level } = machine;
  const address = machine.unsigned(walker.cpu.addressSize);
  machine.push(address + walker.code.addressBias(level.frame.lookupPc));
};

/** A register's value and an offset; the first base register's opcode is 0x70. */
const baseRegister: Operation = (machine, opcode) =>
  machine.push(machine.register(BigInt(opcode - 0x70)) + machine.sleb());

const range = (first: number, operation: Operation): readonly (readonly [number, Operation])[] =>
  Array.from({ length: 32 }, (_, index) => [first + index, operation] as const);

/** DWARF 5, section 7.7.1, table 7.9. */
const operations: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0x03, addressOperand], // DW_OP_addr
  [0x06, (m) => m.push(m.dereference(m.pop(), m.walker.cpu.addressSize))], // DW_OP_deref
  [0x08, (m) => m.push(m.unsigned(1))], // DW_OP_const1u
  [0x09, (m) => m.push(m.signed(1))], // DW_OP_const1s
  [0x0a, (m) => m.push(m.unsigned(2))], // DW_OP_const2u
  [0x0b, (m) => m.push(m.signed(2))], // DW_OP_const2s
  [0x0c, (m) => m.push(m.unsigned(4))], // DW_OP_const4u
  [0x0d, (m) => m.push(m.signed(4))], // DW_OP_const4s
  [0x0e, (m) => m.push(m.unsigned(8))], // DW_OP_const8u
  [0x0f, (m) => m.push(m.signed(8))], // DW_OP_const8s
  [0x10, (m) => m.push(m.uleb())], // DW_OP_constu
  [0x11, (m) => m.push(m.sleb())], // DW_OP_consts
  [0x12, (m) => m.pick(0)], // DW_OP_dup
  [0x13, (m) => m.pop()], // DW_OP_drop
  [0x14, (m) => m.pick(1)], // DW_OP_over
  [0x15, (m) => m.pick(Number(m.unsigned(1)))], // DW_OP_pick
  [0x16, swap], // DW_OP_swap
  [0x17, rotate], // DW_OP_rot
  [0x19, absolute], // DW_OP_abs
  [0x1a, binary((below, top) => below & top)], // DW_OP_and
  [0x1b, signedDivision], // DW_OP_div
  [0x1c, binary((below, top) => below - top)], // DW_OP_minus
  [0x1d, binary((below, top, m) => below % divisor(top, m))], // DW_OP_mod
  [0x1e, binary((below, top) => below * top)], // DW_OP_mul
  [0x1f, (m) => m.push(-m.pop())], // DW_OP_neg
  [0x20, (m) => m.push(~m.pop())], // DW_OP_not
  [0x21, binary((below, top) => below | top)], // DW_OP_or
  [0x22, binary((below, top) => below + top)], // DW_OP_plus
  [0x23, (m) => m.push(m.pop() + m.uleb())], // DW_OP_plus_uconst
  [0x24, shift((value, count) => value << count)], // DW_OP_shl
  [0x25, shift((value, count) => value >> count)], // DW_OP_shr
  [0x26, shiftRightSigned], // DW_OP_shra
  [0x27, binary((below, top) => below ^ top)], // DW_OP_xor
  [0x28, branch], // DW_OP_bra
  [0x29, compare((below, top) => below === top)], // DW_OP_eq
  [0x2a, compare((below, top) => below >= top)], // DW_OP_ge
  [0x2b, compare((below, top) => below > top)], // DW_OP_gt
  [0x2c, compare((below, top) => below <= top)], // DW_OP_le
  [0x2d, compare((below, top) => below < top)], // DW_OP_lt
  [0x2e, compare((below, top) => below !== top)], // DW_OP_ne
  [0x2f, (m) => m.jump(m.signed(2))], // DW_OP_skip
  ...range(0x30, (m, opcode) => m.push(BigInt(opcode - 0x30))), // DW_OP_lit0 …
  ...range(0x70, baseRegister), // DW_OP_breg0 …
  [0x92, (m) => m.push(m.register(m.uleb()) + m.sleb())], // DW_OP_bregx
  [0x94, (m) => m.push(m.dereference(m.pop(), Number(m.unsigned(1))))], // DW_OP_deref_size
  [0x96, () => {}], // DW_OP_nop
]);
