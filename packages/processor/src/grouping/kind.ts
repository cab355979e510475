/**
 * The kind class of a crash: from `reason`, `kind`, `classification` and `message`, whichever says
 * most.
 */
import type { Crash } from "./input.ts";
import { type Assertion, assertionOf, exceptionName, messageToken } from "./message.ts";
import {
  abortCauses,
  causeOfMessage,
  deliberateKinds,
  fatalError,
  type KindRule,
  keyedMessages,
  kindRules,
} from "./rules/kinds.ts";

export interface Kind {
  /** The class in `coarse` and `link`: every abort is "abort", whatever is known of its cause. */
  readonly base: string;
  /** An abort's cause where it is known; enters no key, for only some captures know it. */
  readonly refined: string;
  /** Parameterised message, an extra token of `mid`; null where messages do not tell bugs apart. */
  readonly message: string | null;
  /** The failed assertion that the message tells of. */
  readonly assertion: Assertion | null;
  /** Died of an instruction that the processor lacks: the object is at fault, not a function. */
  readonly foreignBuild: boolean;
  /** How the title begins. */
  readonly words: string;
}

const fold = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, " ")
    .trim();
const ruleOf = (name: string | null): KindRule | undefined =>
  name === null ? undefined : kindRules.get(fold(name));

/** `SIGSEGV /SEGV_MAPERR`, `EXC_BAD_ACCESS / KERN_…`, `EXCEPTION_ACCESS_VIOLATION_WRITE`. */
function ruleOfReason(reason: string | null): KindRule | undefined {
  if (reason === null) return undefined;
  const name = fold(reason.split(/[/,(]/, 1)[0] ?? "");
  return ruleOf(reason) ?? kindRules.get(name) ?? kindRules.get(name.replace(/ \w+$/, ""));
}

/** Kinds of a report that say who noticed the death, not how the process died. */
const unspecific = new Set(["signal", "fatal", "windows exception", "exception"]);

export function kindOf(crash: Crash): Kind {
  if (crash.kind !== null && /^(?:python[-_ ])?exception$/i.test(crash.kind))
    return ofException(crash);
  return ofRule(narrowed(namedRule(crash), crash), crash.message);
}

function ofRule({ group, words: said, foreignBuild }: KindRule, text: string | null): Kind {
  const keyed = text !== null && keyedMessages.has(group);
  return {
    base: abortCauses.has(group) ? "abort" : group === "stack-overflow" ? "memory" : group,
    refined: group,
    message: keyed ? messageToken(text) : null,
    assertion: keyed ? assertionOf(text) : null,
    foreignBuild: foreignBuild === true,
    words: said,
  };
}

/**
 * `kind` with the cause that the native stack shows. The class stays: captures without native
 * frames know no more than the signal. What the message said is not overruled.
 */
export function withCause(kind: Kind, cause: string, message: string | null): Kind {
  const rule = ruleOf(cause);
  const open = deliberateKinds.has(kind.refined);
  const damaged = rule?.group === "heap-corruption" && kind.base === "memory";
  if (rule === undefined || !(open || damaged)) return kind;
  return { ...ofRule(rule, message), base: kind.base };
}

/** The class that a name of any list leads to, or a class of its own. */
export function kindNamed(name: string, message: string | null): Kind {
  return ofRule(ruleOf(name) ?? { group: `other:${fold(name)}`, words: name }, message);
}

function ofException(crash: Crash): Kind {
  const name = exceptionName(crash.reason, crash.message);
  const rule = ruleOf(name);
  if (rule !== undefined) return ofRule(rule, null);
  const group = name === null ? "exception" : `exception:${name}`;
  return {
    base: group,
    refined: group,
    message: null,
    assertion: null,
    foreignBuild: false,
    words: name ?? "Exception",
  };
}

/** The rule that the crash's own names lead to, most telling first. */
function namedRule(crash: Crash): KindRule {
  const specific = crash.kind !== null && !unspecific.has(fold(crash.kind));
  const named =
    ruleOfReason(crash.reason) ??
    (specific ? ruleOf(crash.kind) : undefined) ??
    ruleOf(words(crash.message)) ??
    (crash.kind === "signal" ? ruleOf(crash.classification) : undefined);
  if (named !== undefined) return named;
  const name = crash.reason ?? (specific ? crash.kind : null);
  if (name !== null) return { group: `other:${fold(name)}`, words: name };
  return ruleOf(crash.kind) ?? { group: "unknown", words: "Crash" };
}

/** The words after `Fatal Python error: `, which for a signal are all there is. */
function words(message: string | null): string | null {
  if (message === null) return null;
  return message.replace(/^(?:Fatal Python error|Windows fatal exception):\s*/, "");
}

/** What classification and message add: an abort's cause, an overflow that looks like a segfault. */
function narrowed(rule: KindRule, crash: Crash): KindRule {
  const classified = ruleOf(crash.classification);
  if (classified?.group === "stack-overflow") return classified;
  if (rule.group !== "abort" && rule.group !== "fatal-python-error") return rule;
  const message = crash.message ?? "";
  const cause = causeOfMessage.find(([pattern]) => pattern.test(message));
  if (cause !== undefined) return cause[1];
  if (isFatal(crash)) return fatalError;
  return classified !== undefined && abortCauses.has(classified.group) ? classified : rule;
}

/** `Fatal Python error: ` stands before signals too; those have a rule of their own. */
function isFatal(crash: Crash): boolean {
  if (crash.message === null || ruleOf(words(crash.message)) !== undefined) return false;
  return crash.kind === "fatal" || crash.message.startsWith("Fatal Python error: ");
}
