/**
 * The rules of one STACK record's text.
 *
 * Breakpad, docs/symbol_files.md: of STACK CFI "REG: EXPRESSION REG: EXPRESSION …", where ".cfa" is the canonical
 * frame address, ".ra" the return address and ".undef" a value that is lost; of STACK WIN assignments,
 * "VARIABLE EXPRESSION =", from which the caller's $esp and $eip come out.
 */
import type { CfaRule, RegisterRule } from "../unwind/rules.ts";
import {
  applyOperator,
  CFA,
  cfaRule,
  linear,
  numberTerm,
  registerRule,
  type Term,
} from "./postfix.ts";
import type { CpuRegisters } from "./registers.ts";

/** What a record says; a part that could not be read is named in `bad`. */
export interface StackRules {
  /** Null where the record does not say it. */
  readonly cfa: CfaRule | null;
  readonly registers: readonly (readonly [register: number, rule: RegisterRule])[];
  readonly bad: string | null;
  /** The CFA or the return address is what could not be read: nothing else is of use. */
  readonly isBroken: boolean;
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");

export function cfiRules(text: string, cpu: CpuRegisters): StackRules {
  let cfa: CfaRule | null = null;
  const registers: [number, RegisterRule][] = [];
  let bad: string | null = null;
  let isBroken = false;
  for (const { target, expression } of split(words(text))) {
    const register = registerOf(target, cpu);
    if (target === ".cfa") cfa = readCfa(expression, cpu);
    const rule = register === null ? null : readRule(expression, cpu);
    if (register !== null && rule !== null) registers.push([register, rule]);
    if (target === ".cfa" ? cfa !== null : rule !== null) continue;
    bad ??= `rule of ${target}`;
    isBroken ||= target === ".cfa" || target === ".ra";
  }
  return { cfa, registers, bad, isBroken };
}

/** Words up to each that ends with a colon; what stands before the first is a rule without a name. */
function split(all: readonly string[]): readonly { target: string; expression: string[] }[] {
  const rules: { target: string; expression: string[] }[] = [];
  for (const word of all) {
    if (word.endsWith(":")) rules.push({ target: word.slice(0, -1), expression: [] });
    else if (rules.length === 0) rules.push({ target: "", expression: [word] });
    else rules.at(-1)?.expression.push(word);
  }
  return rules;
}

function readCfa(expression: readonly string[], cpu: CpuRegisters): CfaRule | null {
  const term = evaluate(expression, (word) => registerTerm(word, cpu));
  return term === null ? null : cfaRule(term);
}

function readRule(expression: readonly string[], cpu: CpuRegisters): RegisterRule | null {
  if (expression.length === 1 && expression[0] === ".undef") return { kind: "undefined" };
  const term = evaluate(expression, (word) =>
    word === ".cfa" ? linear(CFA, 0) : registerTerm(word, cpu),
  );
  return term === null ? null : registerRule(term, null);
}

/**
 * Folklore: ".ra" is the return address's own register too: dump_syms writes ".ra: .ra" where a function has put the link
 * register back. Test: stack-records.test.ts, "a return address that is put back".
 */
const registerOf = (name: string, cpu: CpuRegisters): number | null =>
  name === ".ra" ? cpu.returnAddress : (cpu.numbers.get(name.replace(/^\$/, "")) ?? null);

function registerTerm(name: string, cpu: CpuRegisters): Term | null {
  const register = registerOf(name, cpu);
  return register === null ? null : linear(register, 0);
}

/** The one value that an expression leaves; null when it is damaged or names what `operand` does not know. */
function evaluate(
  expression: readonly string[],
  operand: (word: string) => Term | null,
): Term | null {
  const stack: Term[] = [];
  for (const word of expression) {
    const term = numberTerm(word) ?? operand(word);
    if (term !== null) stack.push(term);
    else if (!applyOperator(word, stack)) return null;
  }
  return stack.length === 1 ? (stack[0] as Term) : null;
}

/** `constants`: what the record's other fields say, by their names in programs. Null when the program asks for more. */
export function windowsRules(
  program: string,
  constants: ReadonlyMap<string, number>,
  cpu: CpuRegisters,
): StackRules | null {
  const variables = new Map<string, Term>();
  const valueOf = (word: string): Term | null => {
    const constant = constants.get(word);
    return (
      variables.get(word) ??
      (constant === undefined ? registerTerm(word, cpu) : linear(null, constant))
    );
  };
  let statement: string[] = [];
  for (const word of words(program)) {
    if (word !== "=") {
      statement.push(word);
      continue;
    }
    const [target = "", ...expression] = statement;
    const term = evaluate(expression, valueOf);
    if (term === null) return null;
    variables.set(target, term);
    statement = [];
  }
  return callerRules(variables, cpu);
}

function callerRules(variables: ReadonlyMap<string, Term>, cpu: CpuRegisters): StackRules | null {
  const stackPointer = variables.get("$esp");
  if (stackPointer === undefined || !variables.has("$eip")) return null;
  const cfa = cfaRule(stackPointer);
  const registers = [...variables].flatMap(([name, term]) => {
    const register = registerOf(name, cpu);
    return register === null || register === cpu.stackPointer
      ? []
      : [[register, registerRule(term, cfa)] as const];
  });
  return { cfa, registers, bad: null, isBroken: false };
}
