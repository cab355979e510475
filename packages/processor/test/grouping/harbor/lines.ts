/** Line numbers: where a function begins, what releases moved it by, and which of its lines. */
import { hash, share } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { type NativeObject, sourceOf, versionOf } from "./objects.ts";
import { odds } from "./probabilities.ts";
import type { PythonSegment } from "./scene.ts";
import { SITES } from "./stack.ts";

export function nativeLine(
  { seed }: Fleet,
  object: NativeObject,
  name: string,
  { release }: Moment,
  site: number,
): number {
  const { key } = object;
  const source = sourceOf(object, name);
  let line = 30 + (hash(key + name) % 1900);
  for (let version = 1; version <= versionOf(object, release); version++)
    if (share(seed, key, source, version, "ed") < odds.sourceEdited)
      line += (hash(seed, key, version, hash(name) % 7) % 23) - 6;
  return Math.max(3, line + (site % 60));
}

export function pythonLine(fleet: Fleet, segment: PythonSegment, moment: Moment): number {
  const { file, name, within, site } = segment;
  if (file === "CELL") return 1 + (site % 12);
  if (file.startsWith("BIN/")) return 8;
  const ours = file.startsWith("harbor/");
  if (name === "<module>" && !file.includes("__main__"))
    return 3 + (hash(file) % 14) + (site % 18) + (ours ? moment.release >> 2 : 0);
  return firstLine(fleet, file, within, moment, ours) + (site % SITES);
}

function firstLine(
  { seed }: Fleet,
  file: string,
  name: string,
  { release, minor }: Moment,
  ours: boolean,
): number {
  if (ours || file.startsWith("tests/")) {
    let line = 12 + (hash(file, name) % 420);
    for (let edit = 1; edit <= release; edit++)
      if (share(seed, file, edit) < odds.edited) line += (hash(seed, file, edit, "d") % 14) - 3;
    return Math.max(1, line);
  }
  if (file.startsWith("SP/")) {
    const version = Math.floor((release + (hash(file.split("/")[1]) % 4)) / 4);
    return 20 + (hash(file, name) % 900) + (hash(file, version) % 30);
  }
  return 40 + (hash(file, name) % 900) + (hash(file, minor) % 60);
}
