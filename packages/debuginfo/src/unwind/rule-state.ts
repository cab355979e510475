/** The rules in force at one place of a program, as they are changed: one for the CFA, one a register. */
import type { CfaRule, RegisterRule } from "./rules.ts";

export class RuleState {
  /** Null before anything has said it. */
  cfa: CfaRule | null = null;
  pointerAuthentication = false;
  /** Registers that have a rule, in ascending order, and their rules at the same indexes. */
  readonly registers: number[] = [];
  readonly rules: RegisterRule[] = [];
  private cfaOffset = 0;

  /**
   * Makes the CFA a register's value and an offset, that of before when null: libgcc remembers it while the CFA is
   * an expression, and hand-written code counts on that.
   */
  setCfaRegister(register: number, offset: number | null): void {
    this.cfaOffset = offset ?? this.cfaOffset;
    this.cfa = { kind: "register", register, offset: this.cfaOffset };
  }

  /** False when there is no register that the offset could count from. */
  setCfaOffset(offset: number): boolean {
    this.cfaOffset = offset;
    if (this.cfa?.kind === "register")
      this.cfa = { kind: "register", register: this.cfa.register, offset };
    return this.cfa !== null;
  }

  set(register: number, rule: RegisterRule): void {
    const at = this.indexOf(register);
    if (this.registers[at] === register) this.rules[at] = rule;
    else {
      this.registers.splice(at, 0, register);
      this.rules.splice(at, 0, rule);
    }
  }

  remove(register: number): void {
    const at = this.indexOf(register);
    if (this.registers[at] !== register) return;
    this.registers.splice(at, 1);
    this.rules.splice(at, 1);
  }

  ruleOf(register: number): RegisterRule | undefined {
    const at = this.indexOf(register);
    return this.registers[at] === register ? this.rules[at] : undefined;
  }

  copy(): RuleState {
    const copy = new RuleState();
    copy.cfa = this.cfa;
    copy.cfaOffset = this.cfaOffset;
    copy.pointerAuthentication = this.pointerAuthentication;
    copy.registers.push(...this.registers);
    copy.rules.push(...this.rules);
    return copy;
  }

  /** Where the register is, or would be. */
  private indexOf(register: number): number {
    const { registers } = this;
    let at = registers.length;
    while (at > 0 && (registers[at - 1] as number) >= register) at -= 1;
    return at;
  }
}
