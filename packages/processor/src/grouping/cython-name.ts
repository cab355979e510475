/**
 * Cython's names for C functions, back to the qualified name of the source.
 *
 * `__pyx_pw_5mypkg_4core_6Matrix_3dot`: what it is for, then parts with their length, then a
 * counter and the name. The counter changes with every function added above (Cython,
 * Compiler/Naming.py and Symtab.py `mangle`), so it goes.
 */
const prefix = /^__pyx_(?:fuse_\d+\w*?_?_?pyx_)?(pw|pf|f|gb|mdef|pymod|tp_[a-z]+|specialmethod)_/;

/** `cy:mypkg.core.Matrix.dot`; null for other names, Cython's own helpers (`__Pyx_…`) among them. */
export function cythonName(name: string): string | null {
  const found = prefix.exec(name);
  if (found === null) return null;
  const counted = found[1] === "pw" || found[1] === "pf";
  const parts: string[] = [];
  let rest = name.slice(found[0].length);
  for (let part = firstPart(rest, counted); part !== null; part = firstPart(rest, counted)) {
    parts.push(part);
    rest = rest.slice(String(part.length).length + part.length + 1);
  }
  const last = rest.replace(/^\d+(?=[A-Za-z_])/, "");
  const method = found[1]!.startsWith("tp_") ? [found[1]!] : [];
  return `cy:${[...parts, last, ...method].join(".")}`;
}

/** `6Matrix_…`: a length, that many characters, an underscore, and in counted names a further digit. */
function firstPart(text: string, counted: boolean): string | null {
  const digits = /^\d{1,3}/.exec(text)?.[0];
  if (digits === undefined) return null;
  const end = digits.length + Number(digits);
  if (text[end] !== "_" || end + 1 >= text.length) return null;
  if (counted && !/\d/.test(text[end + 1]!)) return null;
  return text.slice(digits.length, end);
}
