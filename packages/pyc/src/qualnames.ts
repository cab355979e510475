/**
 * Qualified names of code objects before 3.11, which has no field for them.
 *
 * From 3.3 on a function is made by LOAD_CONST code; LOAD_CONST qualname; MAKE_FUNCTION (PEP 3155).
 * For a class body that string is the bare name, and the body itself begins with
 * LOAD_CONST qualname; STORE_NAME __qualname__. Where neither is found (3.0–3.2, code that
 * the bytecode does not show) the name is put together from those around it.
 */
import type { CodeObject } from "./code-object.ts";
import type { Expansion } from "./expansion.ts";
import { NULL } from "./marshal/objects.ts";
import { Type } from "./marshal/types.ts";
import type { PycFile } from "./pyc-file.ts";

/** Numbers that these opcodes have in every version from 3.0 to 3.10 (Include/opcode.h). */
const Op = {
  storeName: 90,
  haveArgument: 90,
  loadConst: 100,
  makeFunction: 132,
  makeClosure: 134, // up to 3.5
  extendedArg: 144,
} as const;

const FIRST_WITH_QUALNAMES = 3;
const FIRST_WITH_WORDCODE = 6;
/** A class body stores its __qualname__ within so many instructions. */
const CLASS_PROLOGUE = 6;

/** Fills in the qualified names of `codes`, parents first as they are listed. */
export function deriveQualnames(
  file: PycFile,
  codes: readonly CodeObject[],
  expansion: Expansion,
): void {
  const made = new Map<number, number>();
  const top = codes[0];
  if (top !== undefined) top.derivedQualname = "<module>";
  for (const code of codes) {
    if (code.parent !== null) {
      const id = made.get(code.fields.offset);
      if (id === undefined) nameByPlace(code, expansion);
      else code.qualnameId = id;
    }
    if (file.minor >= FIRST_WITH_QUALNAMES) readNames(file, code, made);
  }
}

function nameByPlace(code: CodeObject, expansion: Expansion): void {
  const { parent } = code;
  const before = parent === null || parent.parent === null ? "" : parent.qualname;
  const between = before === "" ? "" : parent?.isFunction === true ? ".<locals>." : ".";
  code.derivedQualname = `${before}${between}${code.name}`;
  expansion.charge(code.derivedQualname.length, code.fields.offset);
}

/** Notes in `made` the qualified names that `code` gives to functions, and the one it gives to itself. */
function readNames(file: PycFile, code: CodeObject, made: Map<number, number>): void {
  const { bytes, objects, codes, minor } = file;
  const { consts, names } = code.fields;
  const end = code.codeStart + code.codeLength;
  const prologue = code.parent === null || code.isFunction ? 0 : CLASS_PROLOGUE;
  let argument = 0;
  let instructions = 0;
  // Constants that the last two instructions loaded; NULL for any other instruction.
  let previous = NULL;
  let last = NULL;
  for (let at = code.codeStart; at < end;) {
    const op = bytes[at]!;
    if (minor >= FIRST_WITH_WORDCODE) {
      argument |= bytes[at + 1]!;
      at += 2;
    } else if (op >= Op.haveArgument) {
      if (at + 2 >= end) return;
      argument |= bytes[at + 1]! | (bytes[at + 2]! << 8);
      at += 3;
    } else {
      at += 1;
    }
    if (op === Op.extendedArg) {
      argument <<= minor >= FIRST_WITH_WORDCODE ? 8 : 16;
      continue;
    }
    const isMaking = op === Op.makeFunction || op === Op.makeClosure;
    if (isMaking && objects.type(previous) === Type.code && objects.isText(last)) {
      const { offset } = codes[objects.start(previous)]!;
      made.set(offset, made.get(offset) ?? last);
    }
    if (op === Op.storeName && instructions < prologue && objects.isText(last)) {
      const name = objects.child(names, argument);
      if (objects.isText(name) && file.text(name) === "__qualname__") code.qualnameId = last;
    }
    previous = last;
    last = op === Op.loadConst && argument >= 0 ? objects.child(consts, argument) : NULL;
    argument = 0;
    instructions++;
  }
}
