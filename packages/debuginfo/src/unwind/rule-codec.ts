/**
 * Rules as a symbol cache stores them, each set of them once:
 *
 *     flags            ULEB, RuleBit
 *     return address   ULEB, a register
 *     CFA              RuleBit.cfaExpression: ULEB length and an expression; else ULEB register, SLEB offset
 *     registers        ULEB count, then for each: ULEB register, ULEB RuleCode, and what that needs
 */
import { ByteReader } from "../dwarf/byte-reader.ts";
import type { ByteSink } from "../cache/byte-sink.ts";
import type { CfaRule, RegisterRule, UnwindRules } from "./rules.ts";
import type { RuleState } from "./rule-state.ts";

const RuleBit = { signalFrame: 1, pointerAuthentication: 2, cfaExpression: 4 } as const;

const RuleCode = {
  undefined: 0,
  "same-value": 1,
  offset: 2,
  "val-offset": 3,
  register: 4,
  expression: 5,
  "val-expression": 6,
} as const satisfies Record<RegisterRule["kind"], number>;

/** What holds for every row of a function. */
export interface FrameFacts {
  readonly returnAddress: number;
  readonly signalFrame: boolean;
}

/** A set of rules without the place where it is in force. */
export type RuleSet = Omit<UnwindRules, "start" | "end" | "rowStart">;

/** Writes a state whose CFA is `cfa`. */
export function encodeRules(
  cfa: CfaRule,
  { pointerAuthentication, registers, rules }: RuleState,
  facts: FrameFacts,
  sink: ByteSink,
): void {
  const isExpression = cfa.kind === "expression";
  sink.u8(
    (facts.signalFrame ? RuleBit.signalFrame : 0) |
      (pointerAuthentication ? RuleBit.pointerAuthentication : 0) |
      (isExpression ? RuleBit.cfaExpression : 0),
  );
  sink.uleb(facts.returnAddress);
  if (isExpression) block(sink, cfa.expression);
  else {
    sink.uleb(cfa.register);
    sink.sleb(cfa.offset);
  }
  sink.uleb(registers.length);
  for (let at = 0; at < registers.length; at += 1) {
    sink.uleb(registers[at] as number);
    encodeRule(sink, rules[at] as RegisterRule);
  }
}

function encodeRule(sink: ByteSink, rule: RegisterRule): void {
  sink.uleb(RuleCode[rule.kind]);
  switch (rule.kind) {
    case "offset":
    case "val-offset":
      sink.sleb(rule.offset);
      break;
    case "register":
      sink.uleb(rule.register);
      break;
    case "expression":
    case "val-expression":
      block(sink, rule.expression);
      break;
    case "undefined":
    case "same-value":
  }
}

function block(sink: ByteSink, bytes: Uint8Array): void {
  sink.uleb(bytes.length);
  sink.append(bytes);
}

/** Reads the set at `offset`; expressions are views of `bytes`. Null when it is damaged. */
export function decodeRules(bytes: Uint8Array, offset: number): RuleSet | null {
  const reader = new ByteReader(bytes, true, "unwind rules", offset);
  const flags = reader.uleb();
  const returnAddress = reader.uleb();
  const cfa: CfaRule =
    (flags & RuleBit.cfaExpression) === 0
      ? { kind: "register", register: reader.uleb(), offset: reader.sleb() }
      : { kind: "expression", expression: readBlock(reader) };
  const registers = new Map<number, RegisterRule>();
  for (let left = reader.uleb(); left > 0 && reader.at <= bytes.length; left -= 1) {
    const register = reader.uleb();
    const rule = decodeRule(reader);
    if (rule === null) return null;
    registers.set(register, rule);
  }
  if (reader.at > bytes.length) return null;
  return {
    cfa,
    registers,
    returnAddress,
    signalFrame: (flags & RuleBit.signalFrame) !== 0,
    pointerAuthentication: (flags & RuleBit.pointerAuthentication) !== 0,
  };
}

function decodeRule(reader: ByteReader): RegisterRule | null {
  switch (reader.uleb()) {
    case RuleCode.undefined:
      return { kind: "undefined" };
    case RuleCode["same-value"]:
      return { kind: "same-value" };
    case RuleCode.offset:
      return { kind: "offset", offset: reader.sleb() };
    case RuleCode["val-offset"]:
      return { kind: "val-offset", offset: reader.sleb() };
    case RuleCode.register:
      return { kind: "register", register: reader.uleb() };
    case RuleCode.expression:
      return { kind: "expression", expression: readBlock(reader) };
    case RuleCode["val-expression"]:
      return { kind: "val-expression", expression: readBlock(reader) };
    default:
      return null;
  }
}

function readBlock(reader: ByteReader): Uint8Array {
  const length = reader.uleb();
  const start = reader.at;
  reader.at += length;
  return reader.bytes.subarray(start, reader.at);
}
