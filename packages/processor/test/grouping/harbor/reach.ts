/** A native function that dies, and from where: what most bugs in extensions have in common. */
import type { Dice } from "../world/dice.ts";
import { enter } from "./bindings.ts";
import { frequent, weighted } from "./chance.ts";
import { type Fleet, someUsers } from "./fleet.ts";
import type { Moment } from "./images.ts";
import type { NativeFrame } from "./native-frame.ts";
import { type NativeObject, wayIn } from "./objects.ts";
import { odds, type Service } from "./probabilities.ts";
import { type Func, runBy, servicesOfAll } from "./program.ts";
import type { Stack } from "./scene.ts";
import { stackOf } from "./stack.ts";

export interface Reach {
  readonly object: NativeObject;
  readonly guilty: string;
  readonly callers: readonly Func[];
  readonly services: readonly Service[];
  /** Native ways to the guilty function, innermost first. */
  readonly ways: readonly (readonly string[])[];
  readonly site: number;
}

export function reachOf(roll: Dice, fleet: Fleet, object: NativeObject, guilty: string): Reach {
  const callers = someUsers(roll, fleet, object, Number(weighted(roll, odds.callers)));
  const ways = Array.from({ length: Number(weighted(roll, odds.paths)) }, () =>
    wayIn(roll, object, guilty),
  );
  return {
    object,
    guilty,
    callers,
    services: servicesOfAll(callers),
    ways: [...new Map(ways.map((way) => [way.join(), way])).values()],
    site: roll.between(0, 1e6),
  };
}

/** The guilty function on a stack, with `frames` that it called. */
export function reached(
  fleet: Fleet,
  reach: Reach,
  roll: Dice,
  moment: Moment,
  frames: readonly NativeFrame[],
): Stack {
  const func = frequent(roll, runBy(moment.service, reach.callers), odds.skew.users);
  const way = frequent(roll, reach.ways, odds.skew.ways);
  const { site } = reach;
  return stackOf(fleet, roll, moment, { func, ...enter(reach.object, way, { site, frames }) });
}
