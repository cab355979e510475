/**
 * Runs call frame instructions. DWARF 5, section 6.4.2; vendors' as in constants.ts.
 *
 * Left out: DW_CFA_GNU_window_save (SPARC).
 */
import type { ByteReader } from "../dwarf/byte-reader.ts";
import { DebugInfoError, hex } from "../error.ts";
import {
  MAX_EXPRESSION_BYTES,
  MAX_REMEMBERED_STATES,
  MAX_UNWIND_OFFSET,
  MAX_UNWIND_REGISTER,
  MAX_UNWIND_RULES,
} from "../limits.ts";
import { CfaOp, PrimaryOp } from "./constants.ts";
import type { RegisterRule } from "./rules.ts";
import { RuleState } from "./rule-state.ts";

/** What a program is read with, of its CIE and its section. */
export interface ProgramContext {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  /** Whether DW_CFA_AARCH64_negate_ra_state means that. */
  readonly isAarch64: boolean;
  /** What the CIE's own instructions made; null while they run. */
  readonly initial: RuleState | null;
  /** Reads an address as DW_CFA_set_loc has it; null when it cannot be told. */
  readonly readAddress: (reader: ByteReader) => number | null;
}

/** What a program of no CIE is read with. */
const NO_CONTEXT: ProgramContext = {
  codeAlignment: 1,
  dataAlignment: 1,
  isAarch64: false,
  initial: null,
  readAddress: () => null,
};

/** Runs the programs of a section, one after the other. */
export class CfaProgram {
  /** Where the row under way begins. */
  location = 0;
  private readonly reader: ByteReader;
  private readonly emit: (address: number, state: RuleState) => void;
  private context = NO_CONTEXT;
  private state = new RuleState();
  private readonly remembered: RuleState[] = [];

  /** `emit` is told from which address on a state holds, once the state is complete. */
  constructor(reader: ByteReader, emit: (address: number, state: RuleState) => void) {
    this.reader = reader;
    this.emit = emit;
  }

  /**
   * Runs from the reader's position to `end`, the first row beginning at `location`; answers with the last state.
   * Throws DebugInfoError `bad-dwarf`, `truncated` or `limit`.
   */
  run(location: number, end: number, context: ProgramContext): RuleState {
    const { reader } = this;
    this.location = location;
    this.context = context;
    this.state = context.initial?.copy() ?? new RuleState();
    this.remembered.length = 0;
    while (reader.at < end) {
      const byte = reader.u8();
      this.primary(byte >>> 6, byte & 0x3f);
      reader.check("call frame instruction", end);
    }
    this.emit(this.location, this.state);
    return this.state;
  }

  private primary(op: number, operand: number): void {
    if (op === PrimaryOp.advanceLoc) this.advance(operand);
    else if (op === PrimaryOp.offset)
      this.set(operand, {
        kind: "offset",
        offset: this.offset(this.reader.uleb() * this.context.dataAlignment),
      });
    else if (op === PrimaryOp.restore) this.restore(operand);
    else if (isMove(operand)) this.move(operand);
    else if (isStackOp(operand)) this.stack(operand);
    else if (isCfaOp(operand)) this.defineCfa(operand);
    else this.other(operand);
  }

  private move(op: number): void {
    const { reader } = this;
    if (op === CfaOp.nop) return;
    if (op === CfaOp.setLoc) this.moveTo(this.context.readAddress(reader));
    else if (op === CfaOp.advanceLoc1) this.advance(reader.u8());
    else if (op === CfaOp.advanceLoc2) this.advance(reader.u16());
    else if (op === CfaOp.advanceLoc4) this.advance(reader.u32());
    else this.advance(reader.u64());
  }

  private advance(steps: number): void {
    this.moveTo(this.location + steps * this.context.codeAlignment);
  }

  private moveTo(address: number | null): void {
    if (address === null || address < this.location)
      this.fail(
        `moves from ${hex(this.location)} to ${address === null ? "nowhere" : hex(address)}`,
      );
    if (address === this.location) return;
    this.emit(this.location, this.state);
    this.location = address;
  }

  private stack(op: number): void {
    if (op === CfaOp.restoreState) {
      const state = this.remembered.pop();
      if (state === undefined) this.fail("DW_CFA_restore_state without a state remembered");
      this.state = state;
      return;
    }
    if (this.remembered.length >= MAX_REMEMBERED_STATES)
      this.limit("MAX_REMEMBERED_STATES", MAX_REMEMBERED_STATES);
    this.remembered.push(this.state.copy());
  }

  private defineCfa(op: number): void {
    const { reader, state } = this;
    const { dataAlignment } = this.context;
    switch (op) {
      case CfaOp.defCfa:
        state.setCfaRegister(this.register(), this.offset(reader.uleb()));
        break;
      case CfaOp.defCfaSf:
        state.setCfaRegister(this.register(), this.offset(reader.sleb() * dataAlignment));
        break;
      case CfaOp.defCfaRegister:
        state.setCfaRegister(this.register(), null);
        break;
      case CfaOp.defCfaOffset:
        this.moveCfa(this.offset(reader.uleb()));
        break;
      case CfaOp.defCfaOffsetSf:
        this.moveCfa(this.offset(reader.sleb() * dataAlignment));
        break;
      default:
        state.cfa = { kind: "expression", expression: this.expression() };
    }
  }

  private moveCfa(offset: number): void {
    if (!this.state.setCfaOffset(offset)) this.fail("offset of a CFA that has no register");
  }

  private other(op: number): void {
    switch (op) {
      case CfaOp.gnuArgsSize:
        this.reader.skipLeb();
        break;
      case CfaOp.aarch64NegateRaState:
      case CfaOp.aarch64NegateRaStateWithPc:
        if (!this.context.isAarch64) this.fail(`unknown opcode ${hex(op)}`);
        this.state.pointerAuthentication = !this.state.pointerAuthentication;
        break;
      case CfaOp.restoreExtended:
        this.restore(this.register());
        break;
      default:
        this.set(this.register(), this.rule(op));
    }
  }

  private rule(op: number): RegisterRule {
    const { reader } = this;
    const { dataAlignment } = this.context;
    switch (op) {
      case CfaOp.undefined:
        return UNDEFINED;
      case CfaOp.sameValue:
        return SAME_VALUE;
      case CfaOp.register:
        return { kind: "register", register: this.register() };
      case CfaOp.offsetExtended:
        return { kind: "offset", offset: this.offset(reader.uleb() * dataAlignment) };
      case CfaOp.offsetExtendedSf:
        return { kind: "offset", offset: this.offset(reader.sleb() * dataAlignment) };
      case CfaOp.gnuNegativeOffsetExtended:
        return { kind: "offset", offset: this.offset(-reader.uleb() * dataAlignment) };
      case CfaOp.valOffset:
        return { kind: "val-offset", offset: this.offset(reader.uleb() * dataAlignment) };
      case CfaOp.valOffsetSf:
        return { kind: "val-offset", offset: this.offset(reader.sleb() * dataAlignment) };
      case CfaOp.expression:
        return { kind: "expression", expression: this.expression() };
      case CfaOp.valExpression:
        return { kind: "val-expression", expression: this.expression() };
      default:
        return this.fail(`unknown opcode ${hex(op)}`);
    }
  }

  private set(register: number, rule: RegisterRule): void {
    if (this.state.registers.length >= MAX_UNWIND_RULES)
      this.limit("MAX_UNWIND_RULES", MAX_UNWIND_RULES);
    this.state.set(register, rule);
  }

  private restore(register: number): void {
    const rule = this.context.initial?.ruleOf(register);
    if (rule === undefined) this.state.remove(register);
    else this.set(register, rule);
  }

  private register(): number {
    const register = this.reader.uleb();
    return register <= MAX_UNWIND_REGISTER
      ? register
      : this.limit("MAX_UNWIND_REGISTER", MAX_UNWIND_REGISTER);
  }

  private offset(bytes: number): number {
    return Math.abs(bytes) <= MAX_UNWIND_OFFSET
      ? bytes
      : this.limit("MAX_UNWIND_OFFSET", MAX_UNWIND_OFFSET);
  }

  private expression(): Uint8Array {
    const { reader } = this;
    const length = reader.uleb();
    if (length > MAX_EXPRESSION_BYTES) this.limit("MAX_EXPRESSION_BYTES", MAX_EXPRESSION_BYTES);
    const start = reader.at;
    reader.at += length;
    return reader.bytes.subarray(start, reader.at);
  }

  private fail(what: string): never {
    throw new DebugInfoError(
      "bad-dwarf",
      `${this.reader.section}: call frame instruction at ${hex(this.reader.at)}: ${what}`,
    );
  }

  private limit(name: string, value: number): never {
    throw new DebugInfoError(
      "limit",
      `${this.reader.section}: call frame instruction at ${hex(this.reader.at)}: beyond ${name} (${value})`,
    );
  }
}

const UNDEFINED = { kind: "undefined" } as const;
const SAME_VALUE = { kind: "same-value" } as const;

const isStackOp = (op: number): boolean => op === CfaOp.rememberState || op === CfaOp.restoreState;

const isMove = (op: number): boolean => op <= CfaOp.advanceLoc4 || op === CfaOp.mipsAdvanceLoc8;

const isCfaOp = (op: number): boolean =>
  (op >= CfaOp.defCfa && op <= CfaOp.defCfaExpression) ||
  op === CfaOp.defCfaSf ||
  op === CfaOp.defCfaOffsetSf;
