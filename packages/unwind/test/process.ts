/** A process made by hand: stacks as columns of words, modules as functions with rules. */
import type { CodeKind, CfaRule, Code, Memory, RegisterRule, UnwindRules } from "../src/index.ts";

/** A column of words from `start` upwards, beside each what it is. */
export class Column implements Memory {
  readonly start: bigint;
  readonly #size: 4 | 8;
  readonly #bytes = new Map<bigint, number>();
  #end: bigint;

  constructor(start: bigint, size: 4 | 8 = 8) {
    this.start = start;
    this.#size = size;
    this.#end = start;
  }

  /** Where the next word goes. */
  get end(): bigint {
    return this.#end;
  }

  /** `what` is for the reader of the test. */
  word(value: bigint, _what: string): this {
    return this.bytes(
      ...Array.from({ length: this.#size }, (_, index) =>
        Number((value >> BigInt(8 * index)) & 0xffn),
      ),
    );
  }

  words(count: number, value: bigint, what: string): this {
    for (let index = 0; index < count; index++) this.word(value, what);
    return this;
  }

  bytes(...values: readonly number[]): this {
    for (const value of values) this.#bytes.set(this.#end++, value);
    return this;
  }

  /** Leaves out what lies before `address`. */
  to(address: bigint): this {
    this.#end = address;
    return this;
  }

  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) {
      const byte = this.#bytes.get(address + BigInt(index));
      if (byte === undefined) return undefined;
      value = (value << 8n) | BigInt(byte);
    }
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

export const nothing: Memory = { read: () => undefined };

/** One function of a module. */
export interface Fn {
  readonly start: bigint;
  readonly end: bigint;
  /** Its only row; absent: no unwind table. */
  readonly rules?: Partial<UnwindRules> & { readonly cfa: CfaRule };
  /** Its symbol is known. */
  readonly symbol?: false;
}

export interface Mod {
  readonly base: bigint;
  readonly end: bigint;
  readonly functions?: readonly Fn[];
  /** Symbols and unwind tables are complete, so what no function covers is no code. */
  readonly complete?: true;
}

export interface Maps {
  /** Executable memory outside of modules. */
  readonly anonymous?: readonly (readonly [start: bigint, end: bigint])[];
}

/** `maps` null: the dump tells nothing of the mappings. */
export function codeOf(modules: readonly Mod[], maps: Maps | null = {}): Code {
  const moduleAt = (address: bigint): Mod | undefined =>
    modules.find(({ base, end }) => base <= address && address < end);
  const functionAt = (address: bigint): Fn | undefined =>
    moduleAt(address)?.functions?.find(({ start, end }) => start <= address && address < end);
  const outside = (address: bigint): CodeKind => {
    if (maps === null) return "unknown";
    const executable = maps.anonymous?.some(([start, end]) => start <= address && address < end);
    return executable === true ? "anonymous" : "data";
  };
  return {
    rulesAt(address) {
      const fn = functionAt(address);
      return fn?.rules === undefined ? null : complete(fn, fn.rules);
    },
    addressBias: (address) => moduleAt(address)?.base ?? 0n,
    kindAt(address) {
      const module = moduleAt(address);
      if (module === undefined) return outside(address);
      if (functionAt(address) !== undefined) return "function";
      return module.complete === true ? "uncovered" : "module";
    },
    functionStart(address) {
      const fn = functionAt(address);
      return fn === undefined || fn.symbol === false ? null : fn.start;
    },
  };
}

const complete = (fn: Fn, rules: NonNullable<Fn["rules"]>): UnwindRules => ({
  registers: new Map(),
  returnAddress: 16,
  signalFrame: false,
  pointerAuthentication: false,
  start: Number(fn.start),
  end: Number(fn.end),
  rowStart: Number(fn.start),
  ...rules,
});

/** A row, spelled as `readelf -wF` prints it: `row("rsp+16", { rbp: "c-16", ra: "c-8" })` for those registers. */
export const cfa = (register: number, offset: number): CfaRule => ({
  kind: "register",
  register,
  offset,
});

export const saved = (offset: number): RegisterRule => ({ kind: "offset", offset });

export const expression = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

/** amd64's usual row in a function that has pushed `words` words: the return address just below the CFA. */
export const pushed = (
  words: number,
  registers: Readonly<Record<number, RegisterRule>> = {},
): { readonly cfa: CfaRule; readonly registers: ReadonlyMap<number, RegisterRule> } => ({
  cfa: cfa(7, 8 * words + 8),
  registers: new Map([
    [16, saved(-8)],
    ...Object.entries(registers).map(([number, rule]) => [Number(number), rule] as const),
  ]),
});
