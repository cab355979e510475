/**
 * STACK records into unwind tables.
 *
 * Of STACK WIN those with a program are taken, for the code between prologue and epilogue. Left out: the older kind
 * without one (FPO), and programs that need the size of the callee's parameters or search the stack for a return
 * address: what they say hangs on frames that are not known here.
 */
import { MAX_NAME_BYTES } from "../limits.ts";
import type { FrameFacts } from "../unwind/rule-codec.ts";
import { RuleState } from "../unwind/rule-state.ts";
import type { UnwindTable } from "../unwind/unwind-table.ts";
import type { Fields } from "./fields.ts";
import { type CpuRegisters, cpuRegisters } from "./registers.ts";
import { cfiRules, type StackRules, windowsRules } from "./stack-rules.ts";

/** Type of a STACK WIN record that has a program. */
const FRAME_DATA = 4;

export class StackRecords {
  /** "stack-cfi", "stack-win": kinds that there were. */
  readonly sources = new Set<string>();
  private readonly cpu: CpuRegisters | null;
  private readonly table: UnwindTable;
  private readonly facts: FrameFacts;
  /** By text: most records repeat another's. */
  private readonly known = new Map<string, StackRules>();
  /** Of the function under way; null when there is none whose rows can be told. */
  private state: RuleState | null = null;
  private location = 0;

  constructor(machine: string, table: UnwindTable) {
    this.cpu = cpuRegisters(machine);
    this.table = table;
    this.facts = { returnAddress: this.cpu?.returnAddress ?? 0, signalFrame: false };
  }

  /** STACK CFI INIT, behind its address and size. */
  begin(fields: Fields, start: number, size: number): void {
    this.finish();
    if (this.cpu === null) fields.bad ??= "the registers of this processor are not known";
    if (fields.bad !== null || !this.table.begin(start, start + size)) return;
    this.sources.add("stack-cfi");
    this.state = new RuleState();
    this.location = start;
    this.apply(fields);
  }

  /** STACK CFI, behind its address. */
  change(fields: Fields, address: number): void {
    if (this.state === null || fields.bad !== null) return;
    if (address < this.location) {
      fields.bad = "address below that of the record before";
      return;
    }
    this.table.add(this.location, this.state, this.facts);
    this.location = address;
    this.apply(fields);
  }

  /** Closes the function under way. */
  finish(): void {
    if (this.state !== null) this.table.add(this.location, this.state, this.facts);
    this.table.close();
    this.state = null;
  }

  /** STACK WIN, behind its type. */
  windows(fields: Fields, type: number, start: number, size: number): void {
    this.finish();
    const prologue = fields.hex("prologue size");
    const epilogue = fields.hex("epilogue size");
    const constants = new Map([
      [".cbParams", fields.hex("parameter size")],
      [".cbSavedRegs", fields.hex("saved register size")],
      [".cbLocals", fields.hex("local size")],
    ]);
    fields.hex("maximum stack size");
    const hasProgram = fields.take("1");
    if (fields.bad !== null || type !== FRAME_DATA || !hasProgram || this.cpu === null) return;
    const rules = windowsRules(fields.rest(), constants, this.cpu);
    if (rules === null || !this.table.begin(start + prologue, start + size - epilogue)) return;
    this.sources.add("stack-win");
    this.table.add(start + prologue, stateOf(rules, new RuleState()), this.facts);
    this.table.close();
  }

  private apply(fields: Fields): void {
    const text = fields.rest();
    if (text.length >= MAX_NAME_BYTES) fields.bad = `rules: MAX_NAME_BYTES is ${MAX_NAME_BYTES}`;
    if (fields.bad !== null || this.state === null || this.cpu === null) {
      this.breakOff();
      return;
    }
    let rules = this.known.get(text);
    if (rules === undefined) {
      rules = cfiRules(text, this.cpu);
      this.known.set(text, rules);
    }
    fields.bad = rules.bad;
    if (rules.isBroken) this.breakOff();
    else stateOf(rules, this.state);
  }

  /** From here to the end of the function nothing is known. */
  private breakOff(): void {
    this.table.addUnknown(this.location);
    this.table.close();
    this.state = null;
  }
}

/** `state` with what the record says. */
function stateOf({ cfa, registers }: StackRules, state: RuleState): RuleState {
  if (cfa !== null) state.cfa = cfa;
  for (const [register, rule] of registers) state.set(register, rule);
  return state;
}
