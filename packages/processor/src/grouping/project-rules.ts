/**
 * A project's own rules about its frames, read from text: one rule a line, `MATCHER… -> ACTION`.
 *
 *   fn:retry_* py:shop.core.*           -> skip        carries calls; never part of a key
 *   obj:acme fn:acme_log_*              -> cut         report side; it and all above it go
 *   fn:shop::checked_cast*              -> prefix      does a small thing for its caller
 *   file:*\/site-packages/shop/*         -> app         ours (notapp: not ours)
 *   py:shop.jobs:run_step               -> culprit     names the group, whatever lies above
 *   kind:abort msg:"*license expired*"  -> kind=oom    another class of death
 *   obj:acme kind:memory                -> key="vendor {default}"
 *
 * Matchers are globs (`*`, `?`), all of a rule hold for one frame; `kind` and `msg` look at the
 * crash. The first rule that matches a frame decides; `#` begins a comment.
 *
 * A rule changes the tokens, and so the keys, of the crashes that it touches and of no others. No
 * revision number enters a key: a frame that is skipped in one crash must meet the crash that never
 * had it.
 */
import { MAX_GLOB_CHARS, MAX_GLOB_STARS, MAX_PROJECT_RULES, MAX_RULE_CHARS } from "./limits.ts";

export const frameMatchers = ["fn", "obj", "py", "file"] as const;
export const crashMatchers = ["kind", "msg"] as const;
export type MatcherName = (typeof frameMatchers)[number] | (typeof crashMatchers)[number];

export const frameActions = ["skip", "cut", "prefix", "app", "notapp", "culprit"] as const;
export type FrameAction = (typeof frameActions)[number];

export interface ProjectRule {
  /** As written, for the reasons of the frames it touches. */
  readonly text: string;
  readonly line: number;
  readonly frame: ReadonlyMap<MatcherName, RegExp>;
  readonly crash: ReadonlyMap<MatcherName, RegExp>;
  readonly action: FrameAction | { readonly kind: string } | { readonly key: string };
}

/** A line that is no rule, told as a person would fix it. */
export interface RuleProblem {
  readonly line: number;
  readonly problem: string;
}

export interface ProjectRules {
  readonly rules: readonly ProjectRule[];
  readonly problems: readonly RuleProblem[];
}

/** Never throws: lines that are no rules are `problems`, the others are in force. */
export function parseProjectRules(text: string): ProjectRules {
  const rules: ProjectRule[] = [];
  const problems: RuleProblem[] = [];
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const trimmed = whole.replace(/^\s*#.*$|\s+#\s.*$/, "").trim();
    if (trimmed === "") continue;
    const rule = rules.length < MAX_PROJECT_RULES ? ruleOf(trimmed, line) : tooMany;
    if (!("fault" in rule)) rules.push(rule);
    else problems.push({ line, problem: rule.fault });
    if (rule === tooMany) break;
  }
  return { rules, problems };
}

/** What is wrong with a line. */
interface Fault {
  readonly fault: string;
}

const tooMany: Fault = {
  fault: `only the first ${MAX_PROJECT_RULES} rules (MAX_PROJECT_RULES) are in force`,
};

function ruleOf(text: string, line: number): ProjectRule | Fault {
  if (text.length > MAX_RULE_CHARS) {
    return {
      fault: `a rule has at most ${MAX_RULE_CHARS} characters (MAX_RULE_CHARS), this one ${text.length}`,
    };
  }
  const arrow = text.lastIndexOf("->");
  if (arrow < 0) return { fault: "wanted MATCHER… -> ACTION, found no ->" };
  const action = actionOf(text.slice(arrow + 2).trim());
  if (typeof action !== "string" && "fault" in action) return action;
  const matchers = matchersOf(text.slice(0, arrow));
  if ("fault" in matchers) return matchers;
  const frame = only(matchers, frameMatchers);
  const crash = only(matchers, crashMatchers);
  if (isFrameAction(action) && frame.size === 0) {
    return { fault: `${action} is said of frames: wanted one of ${frameMatchers.join(", ")}` };
  }
  return { text, line, frame, crash, action };
}

const isFrameAction = (action: unknown): action is FrameAction =>
  frameActions.some((name) => name === action);

function actionOf(text: string): ProjectRule["action"] | Fault {
  if (isFrameAction(text)) return text;
  const [, name, quoted, plain] = /^(kind|key)=(?:"([^"]+)"|(\S+))$/.exec(text) ?? [];
  const value = quoted ?? plain;
  if (name === "kind" && value !== undefined) return { kind: value };
  if (name === "key" && value !== undefined) return { key: value };
  const wanted = `${frameActions.join(", ")}, kind=… or key="…"`;
  return { fault: `unknown action ${JSON.stringify(text)}: wanted ${wanted}` };
}

const matcherPattern = /\s*(\w+):(?:"([^"]*)"|(\S+))\s*/y;

function matchersOf(text: string): ReadonlyMap<MatcherName, RegExp> | Fault {
  const found = new Map<MatcherName, RegExp>();
  matcherPattern.lastIndex = 0;
  while (matcherPattern.lastIndex < text.trimEnd().length) {
    const start = matcherPattern.lastIndex;
    const match = matcherPattern.exec(text);
    if (match === null) {
      return { fault: `wanted NAME:GLOB, found ${JSON.stringify(text.slice(start).trim())}` };
    }
    const name = [...frameMatchers, ...crashMatchers].find((each) => each === match[1]);
    if (name === undefined) return { fault: `unknown matcher ${match[1]}:` };
    const glob = globOf(match[2] ?? match[3] ?? "");
    if ("fault" in glob) return glob;
    found.set(name, glob);
  }
  return found.size === 0 ? { fault: "a rule needs a matcher" } : found;
}

/** Anchored; `*` and `?` are the only characters with a meaning. */
function globOf(text: string): RegExp | Fault {
  const stars = text.replaceAll(/\*+/g, "*");
  if (stars.length > MAX_GLOB_CHARS || stars.split("*").length - 1 > MAX_GLOB_STARS) {
    return {
      fault: `a glob has at most ${MAX_GLOB_CHARS} characters and ${MAX_GLOB_STARS} stars (MAX_GLOB_CHARS, MAX_GLOB_STARS)`,
    };
  }
  const source = stars
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}

function only(
  matchers: ReadonlyMap<MatcherName, RegExp>,
  names: readonly MatcherName[],
): ReadonlyMap<MatcherName, RegExp> {
  return new Map([...matchers].filter(([name]) => names.includes(name)));
}
