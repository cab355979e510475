/** Which part a native function plays, by its object and name. */
import { MAX_KNOWN_NAMES } from "./limits.ts";
import type { NativeObject, ObjectOrigin } from "./native-object.ts";
import {
  type ListedRole,
  type NativeRule,
  nativeRules,
  type RuleScope,
} from "./rules/native-roles.ts";

/** Beside the listed roles: `native` is somebody's own code, the only one that names bugs. */
export type NativeRole = ListedRole | "native" | "interpreter" | "system" | "unsymbolicated";

interface Matcher {
  readonly rule: NativeRule;
  readonly exact: ReadonlySet<string>;
  readonly pattern: RegExp | null;
}

function matcherOf(rule: NativeRule): Matcher {
  const names = namesOf(rule);
  const starred = names.filter((name) => name.includes("*"));
  const source = starred.map((name) => name.split("*").map(escaped).join(".*")).join("|");
  return {
    rule,
    exact: new Set(names.filter((name) => !name.includes("*"))),
    pattern: starred.length === 0 ? null : new RegExp(`^(?:${source})$`),
  };
}

/** The entries of a rule. */
export const namesOf = ({ names }: NativeRule): readonly string[] => names.trim().split(/\s+/);
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

const matchers: readonly Matcher[] = nativeRules.map(matcherOf);
const known = new Map<string, NativeRule | null>();

/** The first rule that fits; null for code of somebody's own, and for what no list knows. */
export function nativeRule(object: NativeObject, name: string): NativeRule | null {
  const key = `${object.key}:${name}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = matchers.find(
    ({ rule, exact, pattern }) =>
      holds(rule.scope, object.origin) && (exact.has(name) || pattern?.test(name) === true),
  );
  if (known.size >= MAX_KNOWN_NAMES) known.clear();
  known.set(key, found?.rule ?? null);
  return found?.rule ?? null;
}

/** An extension's own `node_dealloc` is its author's code; CPython's `list_dealloc` is not. */
function holds(scope: RuleScope, origin: ObjectOrigin): boolean {
  if (scope === "anywhere" || origin === "unknown") return true;
  return scope === "cpython"
    ? origin !== "foreign"
    : origin !== "foreign" && origin !== "interpreter";
}

/** What a function is that no rule lists. */
export function unlistedRole({ origin }: NativeObject): NativeRole {
  if (origin === "interpreter") return "interpreter";
  return origin === "runtime" ? "system" : "native";
}
