/** File and line of a native frame, where debug information is at hand. */
import { hash, share } from "./chance.ts";
import { EVAL_LOOP } from "./expansion.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { interpreterFunctions } from "./interpreter-files.ts";
import { nativeLine } from "./lines.ts";
import type { NativeFrame } from "./native-frame.ts";
import { sourceOf } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { symbolsOf } from "./symbols.ts";

export interface Source {
  readonly file: string | null;
  readonly line: number | null;
}

const unknown: Source = { file: null, line: null };

export function sourceAt(fleet: Fleet, frame: NativeFrame, moment: Moment): Source {
  const { object: key, name, site } = frame;
  const { image, system } = moment;
  if (name === null || symbolsOf(fleet, key, moment) !== "full") return unknown;
  if (key === "py")
    return share(image.id, "pydbg") < odds.interpreterLines
      ? onWindows(interpreterSource(name, site, moment), system)
      : unknown;
  const object = fleet.objectsByKey.get(key);
  if (object === undefined) return unknown;
  const { maker } = object;
  const file = sourceOf(object, name);
  if (file === null || (maker !== "own" && share(key, "dbg") >= odds.packageLines)) return unknown;
  const line = nativeLine(fleet, object, name, moment, site);
  if (system === "win") return onWindows({ file, line }, system);
  return share(image.id, "short") < odds.shortSource
    ? { file: file.slice(file.lastIndexOf("/") + 1), line }
    : { file, line };
}

const onWindows = (source: { file: string; line: number }, system: Moment["system"]): Source =>
  system === "win"
    ? { ...source, file: `C:\\build\\${source.file.replaceAll("/", "\\")}` }
    : source;

const fileOf: ReadonlyMap<string, string> = new Map(
  interpreterFunctions.map(({ name, file }) => [name, file]),
);

/** Opcodes that call: lines of the eval loop. */
const loopLines = [13, 69, 181, 520, 803, 1090];

function interpreterSource(name: string, site: number, { minor }: Moment) {
  if (name === EVAL_LOOP) {
    const first = minor <= 10 ? 3400 : minor === 11 ? 4700 : 800;
    const file =
      minor <= 11
        ? "Python/ceval.c"
        : minor === 12
          ? "Python/bytecodes.c"
          : "Python/generated_cases.c.h";
    return { file, line: first + loopLines[site % loopLines.length]! * 2 };
  }
  const file = fileOf.get(name) ?? "Python/ceval.c";
  return {
    file: file === "Modules/gcmodule.c" && minor >= 13 ? "Python/gc.c" : file,
    line: 100 + (hash(name, minor) % 3000) + (site % 30),
  };
}
