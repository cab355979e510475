/** The native objects of a fleet: who calls whom in them, and what is known of their builds. */
import type { Dice } from "../world/dice.ts";
import { hash, share, weighted } from "./chance.ts";
import type { FunctionSpec, ObjectSpec } from "./object-spec.ts";
import { backendObjects } from "./objects-backend.ts";
import { mediaObjects } from "./objects-media.ts";
import { ownObjects } from "./objects-own.ts";
import { odds, RELEASES } from "./probabilities.ts";

export interface NativeObject extends Omit<ObjectSpec, "entries" | "middles" | "leaves"> {
  readonly entries: readonly string[];
  readonly middles: readonly string[];
  readonly leaves: readonly string[];
  readonly specs: ReadonlyMap<string, FunctionSpec>;
  /** Callers within the object of every function that is no entry. */
  readonly callers: ReadonlyMap<string, readonly string[]>;
  /** Of a package: whether its symbols are known. */
  readonly symbols: boolean;
  /** From its frames on, a walker has to scan. */
  readonly noUnwindInfo: boolean;
}

const specs: readonly ObjectSpec[] = [...ownObjects, ...backendObjects, ...mediaObjects];

export const objectsOf = (roll: Dice, seed: number): readonly NativeObject[] =>
  specs.map((spec) => objectOf(roll, seed, spec));

const namesOf = (functions: readonly FunctionSpec[]): readonly string[] =>
  functions.map(({ name }) => name);

function objectOf(roll: Dice, seed: number, spec: ObjectSpec): NativeObject {
  const { key, maker } = spec;
  const [entries, middles, leaves] = [spec.entries, spec.middles, spec.leaves].map(namesOf) as [
    readonly string[],
    readonly string[],
    readonly string[],
  ];
  const all = [...spec.entries, ...spec.middles, ...spec.leaves];
  return {
    ...spec,
    entries,
    middles,
    leaves,
    specs: new Map(all.map((each) => [each.name, each])),
    callers: callersIn(roll, entries, middles, leaves),
    symbols: share(seed, key, "full") < odds.packageSymbols,
    noUnwindInfo: maker !== "own" && share(seed, key, "cfi") < odds.noUnwindInfo[maker],
  };
}

function callersIn(
  roll: Dice,
  entries: readonly string[],
  middles: readonly string[],
  leaves: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const callers = new Map<string, readonly string[]>();
  for (const [index, name] of middles.entries()) {
    const direct = roll.some(roll.between(1, Math.min(3, entries.length)), entries);
    const other = index > 0 && roll.chance(odds.middleCaller);
    callers.set(name, other ? [...direct, roll.pick(middles.slice(0, index))] : direct);
  }
  for (const name of leaves) callers.set(name, roll.some(roll.between(1, 3), middles));
  return callers;
}

export const allNames = ({ entries, middles, leaves }: NativeObject): readonly string[] => [
  ...entries,
  ...middles,
  ...leaves,
];

/** Where something often goes wrong: middles twice as often as leaves that stay functions. */
export const oftenGuilty = ({ middles, leaves, specs: known }: NativeObject): readonly string[] => [
  ...middles,
  ...middles,
  ...leaves.filter((name) => known.get(name)?.small !== true),
];

const MAX_WAY = 8;

/** A way of calls within an object, innermost first, to an entry. */
export function wayIn(roll: Dice, object: NativeObject, guilty: string): readonly string[] {
  const way = [guilty];
  for (;;) {
    const callers = object.callers.get(way.at(-1)!);
    if (callers === undefined || way.length === MAX_WAY) return way;
    way.push(roll.pick(callers));
  }
}

/** Own extensions are met most often: they are the least tried. */
const popularity = { own: 3, vendor: 1.2, package: 1 } as const;

export function pickObject(
  roll: Dice,
  objects: readonly NativeObject[],
  suits: (object: NativeObject) => boolean = () => true,
): NativeObject {
  const suiting = objects.filter(suits);
  const key = weighted(
    roll,
    Object.fromEntries(suiting.map((each) => [each.key, popularity[each.maker]])),
  );
  return suiting.find((each) => each.key === key)!;
}

/** The version that a release has of an object. */
export const versionOf = ({ versions }: NativeObject, release: number): number =>
  versions === undefined ? release : Math.floor((release * versions) / RELEASES);

export const sourceOf = ({ sources }: NativeObject, name: string): string | null =>
  sources.length === 0 ? null : sources[hash(name) % sources.length]!;
