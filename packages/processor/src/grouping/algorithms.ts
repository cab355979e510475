/**
 * The grouping algorithms, oldest first. A crash's row stores the id of the one that made its keys.
 *
 * Never edit an entry once it is released: a changed key splits every open group. Append instead;
 * keys of earlier algorithms stay as aliases of their groups.
 */
import { CG1, decide } from "./cg1.ts";
import type { Decision } from "./decision.ts";
import type { Crash } from "./input.ts";
import type { Kind } from "./kind.ts";
import type { Slots } from "./slots.ts";

export interface Algorithm {
  /** Enters every key, and `Grouping.ruleset`. */
  readonly id: string;
  readonly since: string;
  readonly decide: (crash: Crash, kind: Kind, slots: Slots) => Decision;
}

export const groupings: readonly [Algorithm, ...Algorithm[]] = [
  { id: CG1, since: "0.1.0", decide },
];

export const currentGrouping: Algorithm = groupings.at(-1) ?? groupings[0];
