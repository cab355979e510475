/** One crash: its keys, and why. */
import type { FrameGrouping, Grouping } from "@faultline/shared";

import { type Algorithm, currentGrouping, groupings } from "./algorithms.ts";
import { keyOf } from "./hash.ts";
import { type GroupInput, readCrash } from "./input.ts";
import { kindNamed, kindOf } from "./kind.ts";
import type { ProjectRule } from "./project-rules.ts";
import { RuleBook } from "./rule-book.ts";
import type { Sighting } from "./sightings.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { titleOf } from "./title.ts";

export interface GroupedCrash {
  readonly grouping: Grouping;
  /** What `attach` joins this crash with others by. */
  readonly sighting: Sighting;
}

/**
 * The keys of one crash, a title, and the part that every frame of the crashing thread played.
 *
 * Pure and total: it never throws, whatever `input` holds, and takes time linear in the frames
 * (only the 512 nearest the crash enter keys). `group` equals `mid`: joining a crash with others
 * takes knowledge of them, and is `attach`.
 */
export const groupReport = (input: GroupInput, algorithm: Algorithm = currentGrouping): Grouping =>
  groupCrash(input, { algorithm }).grouping;

export interface GroupOptions {
  readonly algorithm?: Algorithm;
  /** The project's own rules, from `parseProjectRules`. */
  readonly rules?: readonly ProjectRule[];
}

/** `groupReport`, under a project's rules, and with what joins this crash with others. */
export function groupCrash(
  input: GroupInput,
  { algorithm = currentGrouping, rules = [] }: GroupOptions = {},
): GroupedCrash {
  const crash = readCrash(input);
  const found = kindOf(crash);
  const book = rules.length === 0 ? null : new RuleBook(rules, crash, found);
  const slots = slotsOf(crash, book);
  const told = book?.kind ?? null;
  const kind = told === null ? found : kindNamed(told, crash.message);
  const decision = algorithm.decide(crash, kind, slots);
  const coarse = keyOf(algorithm.id, "coarse", "", decision.coarse);
  const template = book?.key ?? null;
  const mid = midOf(algorithm.id, coarse, decision.mid, template);
  const grouping: Grouping = {
    ruleset: algorithm.id,
    mode: decision.mode,
    confidence: decision.confidence,
    coarse,
    mid,
    fine: keyOf(algorithm.id, "fine", mid, decision.fine),
    link: decision.link === null ? null : keyOf(algorithm.id, "link", "", decision.link),
    group: mid,
    title: titleOf(crash.message, decision, slots.python),
    culprit: decision.culprit,
    frames: slots.all.map(explained),
  };
  const sighting = { coarse, mid, evidence: decision.evidence, pinned: template !== null };
  return { grouping, sighting };
}

/** A rule's template takes the place of the key, `{default}` in it that of the key without it. */
function midOf(
  algorithm: string,
  coarse: string,
  tokens: readonly string[],
  template: string | null,
): string {
  const mid = keyOf(algorithm, "mid", coarse, tokens);
  if (template === null) return mid;
  const parent = template.includes(DEFAULT_KEY) ? coarse : "";
  return keyOf(algorithm, "mid", parent, [template.replaceAll(DEFAULT_KEY, mid)]);
}
const DEFAULT_KEY = "{default}";

const explained = ({ index, role, token, usedIn, reason }: Slot): FrameGrouping => ({
  index,
  role,
  token,
  usedIn,
  reason,
});

/** A key under which an earlier algorithm would have filed a crash. */
export interface AliasKey {
  readonly ruleset: string;
  readonly mid: string;
}

/**
 * What the group of a crash may be known by, newest algorithm first: its keys under those
 * algorithms before the last that a store still `holds` keys of. A crash whose current key is new
 * belongs to the first group that one of these leads to, and its current key becomes that group's.
 */
export function aliasKeys(
  input: GroupInput,
  holds: ReadonlySet<string>,
  algorithms: readonly Algorithm[] = groupings,
): readonly AliasKey[] {
  const earlier = algorithms.slice(0, -1).filter(({ id }) => holds.has(id));
  return earlier.toReversed().map((algorithm) => {
    const { mid } = groupReport(input, algorithm);
    return { ruleset: algorithm.id, mid };
  });
}
