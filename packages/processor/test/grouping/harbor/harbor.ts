/**
 * A fleet written blind: Python services with native extensions, of a program named "harbor".
 *
 * It was written from real stacks (gdb's of CPython 3.8 to 3.13, faulthandler's) and from what such
 * fleets do, by somebody who knew nothing of the algorithm. It judges rules that were made with
 * other fleets in view, and is therefore never to be adapted to them: not to a figure, not to a
 * rule. What is wrong with it as a picture of real fleets may be put right; all figures then start
 * anew.
 *
 * A seed fixes the program's call graph, the native objects, the images that the services run as,
 * and the bugs; then bugs crash in processes, and captures keep what each image's collector keeps.
 *
 * What its author thought the best that is possible, as B-cubed recall and precision: bugs share
 * functions, some are noticed anywhere, and many captures have nothing of what went wrong.
 *
 * | Class               | Recall | Precision |
 * | ------------------- | ------ | --------- |
 * | native bug          | .88    | .92       |
 * | assertion           | .88    | .93       |
 * | abort               | .85    | .90       |
 * | heap corruption     | .55    | .65       |
 * | illegal instruction | .85    | .90       |
 * | stack overflow      | .85    | .90       |
 * | busy hang           | .80    | .85       |
 * | waiting hang        | .80    | .85       |
 * | interpreter         | .65    | .70       |
 * | gc                  | .45    | .60       |
 * | misuse              | .75    | .88       |
 * | fatal error         | .75    | .85       |
 * | import              | .93    | .95       |
 * | thread              | .93    | .95       |
 */
import type { Labelled } from "../labelled.ts";
import { dice, type Dice } from "../world/dice.ts";
import { abortion, assertion } from "./bugs-abort.ts";
import { busyHang } from "./bugs-busy.ts";
import { fatalError } from "./bugs-fatal.ts";
import { importDeath } from "./bugs-import.ts";
import { misuse } from "./bugs-misuse.ts";
import { foreignThread, illegalInstruction, nativeBug } from "./bugs-native.ts";
import { stackOverflow } from "./bugs-overflow.ts";
import { collectorDeath, heapCorruption, interpreterDeath } from "./bugs-victim.ts";
import { waitingHang } from "./bugs-waiting.ts";
import { captured } from "./capture.ts";
import { hash, shuffle } from "./chance.ts";
import { type Fleet, fleetOf } from "./fleet.ts";
import { lifeOf, type Moment, momentOf } from "./images.ts";
import { type BugClass, odds } from "./probabilities.ts";
import type { Bug, FleetBug, Scene } from "./scene.ts";

const makers: Readonly<Record<BugClass, (roll: Dice, fleet: Fleet, id: number) => Bug>> = {
  "native bug": nativeBug,
  assertion,
  abort: abortion,
  "heap corruption": heapCorruption,
  "illegal instruction": illegalInstruction,
  "stack overflow": stackOverflow,
  "busy hang": busyHang,
  "waiting hang": waitingHang,
  interpreter: interpreterDeath,
  gc: collectorDeath,
  misuse,
  "fatal error": fatalError,
  import: importDeath,
  thread: foreignThread,
};
export const bugClasses = Object.keys(odds.classes) as readonly BugClass[];

/** `crashes` crashes of `bugs` bugs: one of each bug at least, where there are enough. */
export function harbor(seed: number, bugs: number, crashes: number): readonly Labelled[] {
  const roll = dice(hash("blind-b", seed));
  const fleet = fleetOf(roll, seed);
  const all = classesOf(roll, bugs).map((bugClass, id): FleetBug => {
    const releases = lifeOf(roll);
    return { id, bugClass, releases, ...makers[bugClass](roll, fleet, id) };
  });
  return orderOf(roll, all, crashes).map((bug) => crashOf(fleet, roll, bug));
}

/** Of rank `index`: how often its bug comes. */
const weightOf = (index: number): number =>
  (index + 1 + odds.frequency.offset) ** -odds.frequency.exponent;

const shares = Object.values(odds.classes);
const totalShare = shares.reduce((sum: number, weight) => sum + weight, 0);

/** The classes of all bugs, the most frequent bug first. */
function classesOf(roll: Dice, bugs: number): readonly BugClass[] {
  const least = bugs >= 60 ? 2 : 1;
  const list = bugClasses.flatMap((bugClass) => {
    const count = Math.round((bugs * odds.classes[bugClass]) / totalShare);
    return Array.from({ length: Math.max(least, count) }, () => bugClass);
  });
  while (list.length > bugs) list.splice(list.indexOf("native bug"), 1);
  while (list.length < bugs) list.push("native bug");
  return evenOrder(roll, list);
}

/**
 * Which bug is how frequent is chance, but a fleet in which one class makes half of the crashes
 * would judge nothing else: of some orders the most even one.
 */
function evenOrder(roll: Dice, list: BugClass[]): readonly BugClass[] {
  const weights = list.map((_, index) => weightOf(index));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let least = Number.POSITIVE_INFINITY;
  let best: readonly BugClass[] = list;
  for (let tries = 0; tries < odds.shuffles; tries++) {
    shuffle(roll, list);
    const uneven = unevenness(list, weights, total);
    if (uneven < least) [least, best] = [uneven, [...list]];
  }
  return best;
}

function unevenness(list: readonly BugClass[], weights: readonly number[], total: number): number {
  const share = new Map<BugClass, number>();
  for (const [index, bugClass] of list.entries())
    share.set(bugClass, (share.get(bugClass) ?? 0) + weights[index]! / total);
  return bugClasses.reduce(
    (sum, bugClass) =>
      sum + Math.abs((share.get(bugClass) ?? 0) - odds.classes[bugClass] / totalShare),
    0,
  );
}

/** One crash of each bug, the rest by frequency, in any order. */
function orderOf(roll: Dice, bugs: readonly FleetBug[], crashes: number): readonly FleetBug[] {
  let sum = 0;
  const upTo = bugs.map((_, index) => (sum += weightOf(index)));
  const order = [...bugs];
  while (order.length < crashes) {
    const drawn = roll.next() * sum;
    order.push(bugs[upTo.findIndex((limit) => drawn < limit)]!);
  }
  shuffle(roll, order);
  return order.slice(0, crashes);
}

function crashOf(fleet: Fleet, roll: Dice, bug: FleetBug): Labelled {
  const { id, bugClass, services, releases } = bug;
  for (;;) {
    const moment = momentOf(roll, fleet.images, services, releases);
    const scene = sceneOf(roll, bug, moment);
    if (scene !== null)
      return { bug: String(id), bugClass, ...captured(fleet, roll, moment, scene) };
  }
}

/** Some draws within one process before another one is drawn. */
function sceneOf(roll: Dice, bug: Bug, moment: Moment): Scene | null {
  for (let tries = 0; tries < 30; tries++) {
    const scene = bug.happen(roll, moment);
    if (scene !== null) return scene;
  }
  return null;
}
