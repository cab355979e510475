/** A process made by hand: stacks as columns of words, modules as functions with one row of rules each. */
import type {
  CfaRule,
  Code,
  CodeKind,
  Frame,
  Memory,
  RegisterRule,
  UnwindRules,
  Walk,
} from "../src/index.ts";

/** A column of words from `start` upwards, beside each what it is. */
export class Column implements Memory {
  readonly start: bigint;
  readonly #size: 4 | 8;
  readonly #bytes: number[] = [];

  constructor(start: bigint, size: 4 | 8 = 8) {
    this.start = start;
    this.#size = size;
  }

  /** Where the next word goes. */
  get end(): bigint {
    return this.start + BigInt(this.#bytes.length);
  }

  /** `_what` is for the reader of the test. */
  word(value: bigint, _what: string): this {
    for (let index = 0; index < this.#size; index++)
      this.#bytes.push(Number((value >> BigInt(8 * index)) & 0xffn));
    return this;
  }

  words(count: number, value: bigint, what: string): this {
    for (let index = 0; index < count; index++) this.word(value, what);
    return this;
  }

  bytes(...values: readonly number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const at = Number(address - this.start);
    if (at < 0 || at + size > this.#bytes.length) return undefined;
    let value = 0n;
    for (let index = size - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(this.#bytes[at + index] ?? 0);
    return value;
  }
}

/** Several pieces of memory as one. */
export const joined = (...parts: readonly Memory[]): Memory => ({
  read(address, size) {
    for (const part of parts) {
      const value = part.read(address, size);
      if (value !== undefined) return value;
    }
    return undefined;
  },
});

export const noMemory: Memory = { read: () => undefined };

export type Row = Partial<UnwindRules> & { readonly cfa: CfaRule };

export interface Fn {
  readonly start: bigint;
  readonly end: bigint;
  /** Absent: it has no unwind table. */
  readonly row?: Row;
}

export interface Mod {
  readonly base: bigint;
  readonly end: bigint;
  readonly functions?: readonly Fn[];
  /** Symbols and unwind tables are complete, so what no function covers is no code. */
  readonly complete?: true;
}

/** `generated`: executable memory outside of modules; null: the dump tells nothing of mappings. */
export function codeOf(
  modules: readonly Mod[],
  generated: readonly (readonly [start: bigint, end: bigint])[] | null = [],
): Code {
  const moduleAt = (address: bigint): Mod | undefined =>
    modules.find(({ base, end }) => base <= address && address < end);
  const functionAt = (address: bigint): Fn | undefined =>
    moduleAt(address)?.functions?.find(({ start, end }) => start <= address && address < end);
  const outside = (address: bigint): CodeKind => {
    if (generated === null) return "unknown";
    const holds = generated.some(([start, end]) => start <= address && address < end);
    return holds ? "anonymous" : "data";
  };
  return {
    rulesAt(address) {
      const fn = functionAt(address);
      return fn?.row === undefined ? null : rulesOf(fn, fn.row);
    },
    addressBias: (address) => moduleAt(address)?.base ?? 0n,
    kindAt(address) {
      const module = moduleAt(address);
      if (module === undefined) return outside(address);
      if (functionAt(address) !== undefined) return "function";
      return module.complete === true ? "uncovered" : "module";
    },
    functionStart: (address) => functionAt(address)?.start ?? null,
  };
}

const rulesOf = (fn: Fn, row: Row): UnwindRules => ({
  registers: new Map(),
  returnAddress: 16,
  signalFrame: false,
  pointerAuthentication: false,
  start: Number(fn.start),
  end: Number(fn.end),
  rowStart: Number(fn.start),
  ...row,
});

export const cfa = (register: number, offset: number): CfaRule => ({
  kind: "register",
  register,
  offset,
});

export const saved = (offset: number): RegisterRule => ({ kind: "offset", offset });

export const expression = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

export const rules = (
  registers: Readonly<Record<number, RegisterRule>>,
): ReadonlyMap<number, RegisterRule> =>
  new Map(Object.entries(registers).map(([number, rule]) => [Number(number), rule]));

/** amd64's row in a function that has taken `words` words of stack: the return address just below the CFA. */
export const pushed = (
  words: number,
  registers: Readonly<Record<number, RegisterRule>> = {},
): Row => ({
  cfa: cfa(7, 8 * words + 8),
  registers: rules({ 16: saved(-8), ...registers }),
});

/** amd64's row of `_start` and `clone`. */
export const outermost: Row = {
  cfa: cfa(7, 8),
  registers: rules({ 16: { kind: "undefined" } }),
};

/** "0x401234 by cfi" of each frame. */
export const told = ({ frames }: Walk): readonly string[] =>
  frames.map(({ pc, foundBy }: Frame) => `0x${pc.toString(16)} by ${foundBy}`);
