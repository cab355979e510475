/** Which symbols of an object are known where a crash is looked at, and the names they give. */
import { hash, share } from "./chance.ts";
import { exportedOfLibc, ffiExports } from "./exports.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment, Symbols } from "./images.ts";
import { layoutOf, type Place } from "./layout.ts";
import type { NativeFrame } from "./native-frame.ts";
import { type NativeObject, versionOf } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { mangled, rustMangled, withoutParameters, withRustHash } from "./spelling.ts";

/** Public symbols, or a build that nobody strips. */
const alwaysFull: ReadonlySet<string> = new Set([
  "win",
  "ntdll",
  "kernel32",
  "ucrt",
  "vcrt",
  "kbase",
  "greenlet",
  "libstdcxx",
]);
/** Modules of the standard library: built with the interpreter. */
const standardModules: ReadonlySet<string> = new Set(["ctypes", "ssl", "asyncio", "mmap"]);
const systemLibraries: ReadonlySet<string> = new Set(["libc", "ld"]);

export function symbolsOf(fleet: Fleet, key: string, moment: Moment): Symbols {
  const { image } = moment;
  if (key === "py" || key === "exe" || standardModules.has(key)) return image.interpreterSymbols;
  if (systemLibraries.has(key)) return image.libcSymbols;
  if (alwaysFull.has(key)) return "full";
  if (key === "ffi") return image.libcSymbols;
  const object = fleet.objectsByKey.get(key);
  if (object === undefined) return share(key, image.id, "s") < odds.otherSymbols ? "full" : "none";
  return symbolsOfObject(fleet, object, moment);
}

function symbolsOfObject(
  { seed }: Fleet,
  { key, maker, symbols }: NativeObject,
  { image, release, system }: Moment,
): Symbols {
  switch (maker) {
    case "vendor":
      return image.vendorSymbols;
    case "own":
      if (image.ownNever) return "none";
      if (share(seed, key, release, "lost") < odds.ownSymbolsLost) return "export";
      return system === "win" && share(image.id, "pdb") < odds.pdbMissing ? "none" : "full";
    case "package":
      if (symbols) return "full";
      return share(image.id, key, "bin") < odds.packageBinary ? "export" : "none";
  }
}

/** The name that a symbol file or a table of exports gives; null where there is none. */
export function nameOf(
  fleet: Fleet,
  { object: key, name }: NativeFrame,
  place: Place,
  moment: Moment,
): string | null {
  if (name === null) return null;
  switch (symbolsOf(fleet, key, moment)) {
    case "none":
      return null;
    case "full":
      return spelled(fleet, key, name, moment);
    case "export": {
      const exported = exportedName(fleet, key, name, place, moment);
      return exported === null || moment.image.parameters ? exported : withoutParameters(exported);
    }
  }
}

/** What gcc appends to a clone of an internal function. */
const cloned = [".isra.0", ".constprop.0", ".part.0", ".constprop.0.isra.0", ".cold"];

function spelled({ seed, objectsByKey }: Fleet, key: string, name: string, moment: Moment): string {
  const { image, system, minor, release } = moment;
  const object = objectsByKey.get(key);
  const version = object === undefined ? minor : versionOf(object, release);
  const build = hash(seed, key, name, version, system);
  const isCloned =
    object?.specs.get(name)?.internal === true &&
    system !== "win" &&
    build % 1000 < odds.clone * 1000;
  const rust = object?.binding === "rust";
  if (isCloned && !/[(<:]/.test(name)) return name + cloned[build % 5];
  if (image.mangled && system !== "win") {
    const raw = rust ? rustMangled(name, version) : mangled(name);
    if (raw !== name) return raw;
  }
  if (rust && image.rustHash && !/^(rust_begin|Py|yy)/.test(name))
    return withRustHash(name, version);
  if (!image.parameters) return withoutParameters(name);
  return isCloned && name.includes("(") ? `${name} [clone .isra.0]` : name;
}

/** A walker without symbols names the last exported function before the address. */
function exportedName(
  fleet: Fleet,
  key: string,
  name: string,
  { exported }: Place,
  moment: Moment,
): string | null {
  if (systemLibraries.has(key)) return exportedOfLibc(name, moment);
  if (key === "ffi") return ffiExports[name] ?? name;
  if (standardModules.has(key)) return `PyInit_${key === "mmap" ? key : `_${key}`}`;
  if (key === "py") {
    const unplaced = !layoutOf(fleet, "py", moment).places.has(name);
    return unplaced && /^_?Py[A-Z_]/.test(name) ? name : exported;
  }
  const object = fleet.objectsByKey.get(key);
  return object === undefined || object.specs.get(name)?.exported === true ? name : exported;
}
