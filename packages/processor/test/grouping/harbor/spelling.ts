/** How toolchains and demanglers spell a native function's name. */
import { digits } from "./chance.ts";

/** Without its parameters, as some demanglers print it. */
export function withoutParameters(name: string): string {
  const plain = name.replace(/ const$/, "");
  if (/^\(|lambda|operator/.test(name) || !plain.endsWith(")")) return name;
  let depth = 0;
  let index = plain.length;
  do {
    index--;
    if (plain[index] === ")") depth++;
    else if (plain[index] === "(") depth--;
  } while (depth > 0);
  return plain.slice(0, index).replace(/^(void|at::Tensor|bool|int) (?=\S)/, "");
}

/** Itanium's letters of types that need no substitution. */
const letters: ReadonlyMap<string, string> = new Map([
  ["", "v"],
  ["int", "i"],
  ["double", "d"],
  ["float", "f"],
  ["bool", "b"],
  ["unsigned int", "j"],
  ["long", "l"],
  ["unsigned long", "m"],
  ["char const*", "PKc"],
  ["unsigned char const*", "PKh"],
  ["void*", "Pv"],
]);

/** Mangled after Itanium's scheme where that is simple; other names stay as they are. */
export function mangled(name: string): string {
  const parts = /^(\w+(?:::~?\w+)+)\(([^()<>]*)\)( const)?$/.exec(name);
  if (parts === null) return name;
  const [, path = "", parameters = "", constant] = parts;
  const types = parameters.split(", ").map((type) => letters.get(type.trim()));
  const long = types.filter((type) => type !== undefined && type.length > 1);
  if (types.includes(undefined) || new Set(long).size < long.length) return name;
  const nested = path
    .split("::")
    .map((part) => (part.startsWith("~") ? "D2" : `${part.length}${part}`));
  return `_ZN${constant === undefined ? "" : "K"}${nested.join("")}E${types.join("")}`;
}

/** Rust's legacy scheme, which hides a hash of the build in the name. */
export const rustMangled = (name: string, version: number): string =>
  /^[\w:]+$/.test(name) && name.includes("::")
    ? `_ZN${name
        .split("::")
        .map((part) => `${part.length}${part}`)
        .join("")}17h${digits(name, version)}E`
    : name;

export const withRustHash = (name: string, version: number): string =>
  `${name}::h${digits(name, version)}`;
