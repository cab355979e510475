/** Where each function is in a build, and which exported name lies before it. */
import { hash } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { interpreterFunctions } from "./interpreter-files.ts";
import { allNames, type NativeObject, versionOf } from "./objects.ts";

export interface Place {
  readonly offset: number;
  readonly size: number;
  /** The exported function at or before it. */
  readonly exported: string | null;
}

export interface Layout {
  readonly build: string;
  /** In the order of the build. */
  readonly places: ReadonlyMap<string, Place>;
  readonly end: number;
  readonly lastExported: string | null;
}

interface Placed {
  readonly name: string;
  readonly exported: boolean;
}

const LOOP_SIZE = 24_000;
const aligned = (bytes: number): number => bytes & ~15;

export function layoutOf(fleet: Fleet, key: string, moment: Moment): Layout {
  const object = fleet.objectsByKey.get(key);
  const build = buildOf(fleet.seed, key, object, moment);
  const known = fleet.layouts.get(build);
  if (known !== undefined) return known;
  const large = object?.large === true;
  const places = new Map<string, Place>();
  let end = 0x1800 + (hash(build) % 0x60) * 16 + textStart(key, object);
  let lastExported: string | null = null;
  for (const { name, exported } of object === undefined ? interpreterFunctions : placedOf(object)) {
    const body = 96 + (hash(key, name) % 1400) + (hash(build, name) % 40);
    const size =
      Math.ceil((body + (name === "_PyEval_EvalFrameDefault" ? LOOP_SIZE : 0)) / 16) * 16;
    if (exported) lastExported = name;
    places.set(name, { offset: end, size, exported: lastExported });
    end += size + (large ? aligned(hash(key, name, "gap") % 0x3000) : 0);
  }
  const layout = { build, places, end, lastExported };
  fleet.layouts.set(build, layout);
  return layout;
}

function buildOf(
  seed: number,
  key: string,
  object: NativeObject | undefined,
  { release, minor, system, image }: Moment,
): string {
  if (object === undefined) return `${seed}|${key}|x|${minor}|${system}|${image.shared}`;
  const { maker, stableAbi, isLibrary } = object;
  const version = maker === "own" ? `r${release}` : `v${versionOf(object, release)}`;
  const python = stableAbi === true || isLibrary === true ? 0 : minor;
  return `${seed}|${key}|${version}|${python}|${system}|`;
}

function textStart(key: string, object: NativeObject | undefined): number {
  if (object === undefined) return 0x60000;
  return object.large === true ? 0x280000 + (hash(key) % 0x900000) : 0x2000 + (hash(key) % 0x6000);
}

/** A module's init is its only sure export, before or after all else. */
function placedOf(object: NativeObject): readonly Placed[] {
  const { key, path, isLibrary, specs } = object;
  const placed = allNames(object)
    .toSorted((left, right) => hash(key, left, "ord") - hash(key, right, "ord"))
    .map((name) => ({ name, exported: specs.get(name)?.exported === true }));
  if (isLibrary === true) return placed;
  const init = { name: `PyInit_${path.slice(path.lastIndexOf("/") + 1)}`, exported: true };
  return hash(key) % 3 === 0 ? [init, ...placed] : [...placed, init];
}

/** Libraries of the system differ from image to image, modules from Python to Python. */
const ofImage: ReadonlySet<string> = new Set(["libc", "ld", "libstdcxx"]);

export function placeOf(fleet: Fleet, key: string, name: string | null, moment: Moment): Place {
  if (key === "py" || fleet.objectsByKey.has(key)) {
    const { places, build, end, lastExported } = layoutOf(fleet, key, moment);
    return (
      places.get(name ?? "") ?? {
        offset: end + aligned(hash(build, name) % 0x4000),
        size: 400,
        exported: lastExported,
      }
    );
  }
  const { image, system, minor } = moment;
  const build = ofImage.has(key) ? image.id.slice(0, -1) : minor;
  const at = hash(key, name, system, image.newGlibc, build) % 0x90000;
  return { offset: aligned(0x5000 + at), size: 300, exported: null };
}
