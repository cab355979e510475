/** All that a seed fixes before any bug: the program, its native objects, the images it runs in. */
import type { Dice } from "../world/dice.ts";
import { type Images, imagesOf } from "./images.ts";
import type { Layout } from "./layout.ts";
import { type NativeObject, objectsOf } from "./objects.ts";
import { type Func, functionsIn, type Program, programOf } from "./program.ts";

export interface Fleet {
  readonly seed: number;
  readonly program: Program;
  readonly images: Images;
  readonly objects: readonly NativeObject[];
  readonly objectsByKey: ReadonlyMap<string, NativeObject>;
  /** What bugs have taken, so that no two are one and the same. */
  readonly taken: {
    readonly functions: (readonly [NativeObject, string])[];
    readonly waits: Set<Func>;
    readonly misuses: Set<string>;
    readonly imports: Set<NativeObject>;
  };
  readonly layouts: Map<string, Layout>;
}

export function fleetOf(roll: Dice, seed: number): Fleet {
  const program = programOf(roll);
  const images = imagesOf(roll);
  const objects = objectsOf(roll, seed);
  return {
    seed,
    program,
    images,
    objects,
    objectsByKey: new Map(objects.map((object) => [object.key, object])),
    taken: { functions: [], waits: new Set(), misuses: new Set(), imports: new Set() },
    layouts: new Map(),
  };
}

export const objectNamed = ({ objectsByKey }: Fleet, key: string): NativeObject =>
  objectsByKey.get(key)!;

/** Functions of the program that use an object. */
export const usersOf = ({ program }: Fleet, { usedBy }: NativeObject): readonly Func[] =>
  functionsIn(program, usedBy);

/** `count` functions that use an object; where there are fewer, others make up for them. */
export function someUsers(
  roll: Dice,
  fleet: Fleet,
  object: NativeObject,
  count: number,
): readonly Func[] {
  const users = roll.some(count, usersOf(fleet, object));
  if (count <= users.length) return users;
  const { domain, common } = fleet.program;
  const others = [...domain, ...common].filter((func) => !users.includes(func));
  return [...users, ...roll.some(count - users.length, others)];
}
