import type { RegisterRule, UnwindRules } from "../src/index.ts";

/** "CFA register=rule …": r7+8 a register and a number, [x] memory at x, hex digits an expression. */
export function rulesText(rules: UnwindRules | null): string | null {
  if (rules === null) return null;
  const { cfa, registers } = rules;
  const frame = cfa.kind === "register" ? `r${cfa.register}+${cfa.offset}` : hex(cfa.expression);
  const each = [...registers].map(([register, rule]) => `${register}=${ruleText(rule)}`);
  return [frame, ...each].join(" ");
}

function ruleText(rule: RegisterRule): string {
  switch (rule.kind) {
    case "undefined":
    case "same-value":
      return rule.kind;
    case "offset":
      return `[cfa${rule.offset}]`;
    case "val-offset":
      return `cfa${rule.offset}`;
    case "register":
      return `r${rule.register}`;
    case "expression":
      return `[${hex(rule.expression)}]`;
    case "val-expression":
      return hex(rule.expression);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
