/** The program around a bug: how its functions are reached, and what releases do to the way there. */
import type { Dice } from "./dice.ts";
import type { NativeObject } from "./native-code.ts";
import { objectsOf } from "./native-code.ts";
import {
  appFunc,
  appFuncs,
  helperFuncs,
  packageFunc,
  type PyFunc,
  RELEASES,
  type Service,
  serviceOf,
  wrapperFunc,
} from "./python-code.ts";

/** How much of what blurs stacks a fleet has: probabilities, drawn once a fleet. */
export interface Climate {
  readonly wrapped: number;
  readonly helped: number;
  readonly manySites: number;
  readonly victimsAnywhere: number;
  readonly stripped: number;
  readonly garbage: number;
}

export interface Program {
  readonly climate: Climate;
  readonly objects: readonly NativeObject[];
  readonly services: readonly Service[];
  readonly helpers: readonly PyFunc[];
  /** Functions of jobs that run in the same processes, for victims of others' damage. */
  readonly bystanders: readonly (readonly PyFunc[])[];
}

export function programOf(roll: Dice): Program {
  const upTo = (most: number): number => most * (0.3 + 0.7 * roll.next());
  return {
    climate: {
      wrapped: upTo(0.45),
      helped: upTo(0.3),
      manySites: upTo(0.5),
      victimsAnywhere: upTo(0.5),
      stripped: upTo(0.4),
      garbage: upTo(0.14),
    },
    objects: objectsOf(roll),
    services: Array.from({ length: 9 }, () => serviceOf(roll)),
    helpers: helperFuncs(roll),
    bystanders: Array.from({ length: 60 }, () => appFuncs(roll, 2 + roll.below(3))),
  };
}

/** A place from which a bug is reached. */
export interface Site {
  readonly own: readonly PyFunc[];
  readonly callers: readonly (readonly PyFunc[])[];
  readonly service: Service;
  readonly wrapper: {
    readonly from: number;
    readonly until: number;
    readonly at: number;
    readonly funcs: readonly PyFunc[];
  } | null;
}

export function siteOf(roll: Dice, program: Program, depth = 1 + roll.below(4)): Site {
  const from = roll.below(RELEASES);
  const { helped, wrapped, manySites } = program.climate;
  const helper = roll.chance(helped) ? [roll.pick(program.helpers)] : [];
  return {
    own: [...helper, ...appFuncs(roll, depth)],
    callers: Array.from({ length: roll.chance(manySites) ? 1 + roll.below(4) : 1 }, () =>
      appFuncs(roll, roll.below(4)),
    ),
    service: roll.pick(program.services),
    wrapper: roll.chance(wrapped)
      ? {
          from,
          until: from + 1 + roll.below(RELEASES),
          at: roll.below(3),
          funcs: Array.from({ length: 1 + roll.below(2) }, () => wrapperFunc(roll)),
        }
      : null,
  };
}

/** The Python frames of a visit to `site`, without the base of its thread. */
export function visit(roll: Dice, site: Site, release: number): readonly PyFunc[] {
  const { own, callers, service, wrapper } = site;
  const wrapped = wrapper !== null && release >= wrapper.from && release < wrapper.until;
  const inner = wrapped ? own.toSpliced(wrapper.at, 0, ...wrapper.funcs) : own;
  const first = inner[0]!;
  const comprehension = roll.chance(0.08) ? [{ ...first, name: "<listcomp>" }] : [];
  return [...comprehension, ...inner, ...roll.pick(callers), ...service.outer];
}

/** In how many places of the program a bug is met. */
export const sitesOf = (roll: Dice, { climate }: Program): number =>
  roll.chance(climate.manySites) ? 2 + roll.below(3) : 1;

/** Frames of an object's own Python package between the program and C. */
export function packageFrames(roll: Dice, object: NativeObject): readonly PyFunc[] {
  const pkg = object.package || object.name;
  return [
    packageFunc(pkg, "_api", appFunc(roll).name),
    packageFunc(pkg, "frontend", appFunc(roll).name),
  ].slice(0, roll.below(3));
}
