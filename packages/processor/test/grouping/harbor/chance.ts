/** Chance beyond dice: facts that stay the same whenever they are asked, weights, frequent firsts. */
import type { Dice } from "../world/dice.ts";

type Fact = string | number | boolean | null | undefined;

/** A number that depends on `facts` alone: FNV-1a over their text, finished as murmur3 does. */
export function hash(...facts: readonly Fact[]): number {
  let mixed = 0x811c9dc5;
  const mix = (byte: number): void => {
    mixed = Math.imul(mixed ^ byte, 0x01000193);
  };
  for (const fact of facts) {
    const text = String(fact);
    for (let index = 0; index < text.length; index++) mix(text.charCodeAt(index));
    mix(0x9e);
  }
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The same as a share: `share(…) < 0.3` holds for three facts of ten. */
export const share = (...facts: readonly Fact[]): number => hash(...facts) / 2 ** 32;

/** What builds and toolchains append to names to tell them apart. */
export const digits = (...facts: readonly [Fact, Fact]): string =>
  (hash(...facts).toString(16) + hash(...facts.toReversed()).toString(16))
    .padStart(16, "0")
    .slice(0, 16);

/** One of the keys of `weights`, each as often as its weight says. */
export function weighted<Key extends string>(
  roll: Dice,
  weights: Readonly<Record<Key, number>>,
): Key {
  const keys = Object.keys(weights) as Key[];
  let left = roll.next() * keys.reduce((sum, key) => sum + weights[key], 0);
  return keys.find((key) => (left -= weights[key]) < 0) ?? keys.at(-1)!;
}

/** An entry of `list`, the first most often (Zipf). */
export function frequent<Item>(roll: Dice, list: readonly Item[], exponent: number): Item {
  const weights = list.map((_, index) => 1 / (index + 1) ** exponent);
  let left = roll.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const found = weights.findIndex((weight) => (left -= weight) < 0);
  return list.at(found)!;
}

/** Draws until the drawn is not taken, `times` times at most: then the last one stands. */
export function drawFree<Item>(
  times: number,
  draw: () => Item,
  isTaken: (drawn: Item) => boolean,
): Item {
  let drawn = draw();
  for (let tries = 1; tries < times && isTaken(drawn); tries++) drawn = draw();
  return drawn;
}

/** `list` in another order, in place (Fisher and Yates). */
export function shuffle(roll: Dice, list: unknown[]): void {
  for (let index = list.length - 1; index > 0; index--) {
    const other = roll.below(index + 1);
    [list[index], list[other]] = [list[other], list[index]];
  }
}
