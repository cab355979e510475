/**
 * Postfix expressions of STACK records, to terms and on to rules of call frame information.
 *
 * Breakpad, docs/symbol_files.md, "STACK CFI" and "STACK WIN": operands are decimal numbers, registers and
 * variables; operators + - * / % @ (aligns down to a power of two) and ^ (reads memory).
 */
import { ByteSink } from "../cache/byte-sink.ts";
import { MAX_POSTFIX_TERMS, MAX_UNWIND_OFFSET } from "../limits.ts";
import { ExpressionOp } from "../unwind/constants.ts";
import type { CfaRule, RegisterRule } from "../unwind/rules.ts";

/** The CFA as what a term counts from; registers are there by their numbers. */
export const CFA = -1;

/** A value: a number counted from a register, the CFA or nothing; memory at a value; or two values and an operator. */
export type Term =
  | {
      readonly kind: "linear";
      readonly base: number | null;
      readonly offset: number;
      readonly size: 1;
    }
  | { readonly kind: "memory"; readonly address: Term; readonly size: number }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Term;
      readonly right: Term;
      /** Terms in it, itself among them. */
      readonly size: number;
    };

export const linear = (base: number | null, offset: number): Term => ({
  kind: "linear",
  base,
  offset,
  size: 1,
});

const OPERATORS: ReadonlyMap<string, readonly number[]> = new Map([
  ["+", [ExpressionOp.plus]],
  ["-", [ExpressionOp.minus]],
  ["*", [ExpressionOp.mul]],
  ["/", [ExpressionOp.div]],
  ["%", [ExpressionOp.mod]],
  ["@", [ExpressionOp.neg, ExpressionOp.and]],
]);

/** Applies one word to the stack of an expression: false when it is no operator, or operands are missing. */
export function applyOperator(word: string, stack: Term[]): boolean {
  if (word !== "^" && !OPERATORS.has(word)) return false;
  const right = stack.pop();
  if (right === undefined) return false;
  if (word === "^") return push(stack, { kind: "memory", address: right, size: right.size + 1 });
  const left = stack.pop();
  return left !== undefined && push(stack, combine(word, left, right));
}

/** False for a term that has grown too big: variables may stand for terms twice as big as the ones before. */
function push(stack: Term[], term: Term): boolean {
  stack.push(term);
  return term.size <= MAX_POSTFIX_TERMS;
}

function combine(operator: string, left: Term, right: Term): Term {
  if (left.kind === "linear" && right.kind === "linear") {
    if (operator === "+" && right.base === null)
      return linear(left.base, left.offset + right.offset);
    if (operator === "+" && left.base === null)
      return linear(right.base, left.offset + right.offset);
    if (operator === "-" && right.base === null)
      return linear(left.base, left.offset - right.offset);
  }
  return { kind: "binary", operator, left, right, size: left.size + right.size + 1 };
}

/** A decimal number, null for another word. */
export const numberTerm = (word: string): Term | null =>
  /^-?\d{1,13}$/.test(word) && Math.abs(Number(word)) <= MAX_UNWIND_OFFSET
    ? linear(null, Number(word))
    : null;

/** A term that gives the CFA. */
export function cfaRule(term: Term): CfaRule {
  return term.kind === "linear" && term.base !== null
    ? { kind: "register", register: term.base, offset: term.offset }
    : { kind: "expression", expression: expressionOf(term, 0) };
}

/** A term that gives a register's value, in its shortest form. `cfa` where the term's registers are those it counts from. */
export function registerRule(term: Term, cfa: CfaRule | null): RegisterRule {
  if (term.kind === "linear" && term.base !== null && term.base !== CFA && term.offset === 0)
    return { kind: "register", register: term.base };
  const value = fromCfa(term, cfa);
  if (value !== null) return { kind: "val-offset", offset: value };
  const saved = term.kind === "memory" ? fromCfa(term.address, cfa) : null;
  return saved === null
    ? { kind: "val-expression", expression: expressionOf(term, 1) }
    : { kind: "offset", offset: saved };
}

/** Distance from the CFA, where it is known. */
function fromCfa(term: Term, cfa: CfaRule | null): number | null {
  if (term.kind !== "linear") return null;
  if (term.base === CFA) return term.offset;
  return cfa?.kind === "register" && cfa.register === term.base ? term.offset - cfa.offset : null;
}

/** The term as a DWARF expression that runs with `depth` values on the stack, of which the first is the CFA. */
function expressionOf(term: Term, depth: number): Uint8Array {
  const sink = new ByteSink(32);
  write(sink, term, depth);
  return sink.view();
}

function write(sink: ByteSink, term: Term, depth: number): void {
  if (term.kind === "linear") writeLinear(sink, term.base, term.offset, depth);
  else if (term.kind === "memory") {
    write(sink, term.address, depth);
    sink.u8(ExpressionOp.deref);
  } else {
    write(sink, term.left, depth);
    write(sink, term.right, depth + 1);
    for (const op of OPERATORS.get(term.operator) ?? []) sink.u8(op);
  }
}

function writeLinear(sink: ByteSink, base: number | null, offset: number, depth: number): void {
  if (base !== null && base !== CFA) {
    if (base < 32) sink.u8(ExpressionOp.breg0 + base);
    else {
      sink.u8(ExpressionOp.bregx);
      sink.uleb(base);
    }
    sink.sleb(offset);
    return;
  }
  if (base === CFA) {
    sink.u8(ExpressionOp.pick);
    sink.u8(depth - 1);
  }
  if (base === CFA && offset === 0) return;
  sink.u8(ExpressionOp.consts);
  sink.sleb(offset);
  if (base === CFA) sink.u8(ExpressionOp.plus);
}
