/** A code object's fields have the types and counts that Objects/codeobject.c wants (code_validate). */
import { CodeFlag } from "./code-object.ts";
import { PycError } from "./error.ts";
import type { Expansion } from "./expansion.ts";
import { numberOfLocals } from "./locals.ts";
import type { CodeFields } from "./marshal/code-fields.ts";
import { NULL, type Objects } from "./marshal/objects.ts";
import { Type, typeName } from "./marshal/types.ts";
import type { PycFile } from "./pyc-file.ts";

/** First version whose instructions all have two bytes. */
const WORDCODE = 6;

/** Throws `bad-code` naming the field; counts what the code object uses. */
export function checkCode(file: PycFile, fields: CodeFields, expansion: Expansion): void {
  const { objects } = file;
  const { offset } = fields;
  requireCounts(fields);
  for (const field of ["code", "linetable"] as const) requireBytes(objects, fields, field);
  if (file.minor >= WORDCODE && objects.size(fields.code) % 2 !== 0) {
    throw bad(
      offset,
      `co_code: wanted 2-byte instructions, found ${objects.size(fields.code)} bytes`,
    );
  }
  for (const field of ["filename", "name"] as const) requireText(objects, fields, field);
  requireTuple(objects, fields, "consts");
  let used = objects.size(fields.code) + objects.size(fields.linetable);
  used += objects.size(fields.filename) + objects.size(fields.name) + objects.size(fields.consts);
  used += textTuple(objects, fields, "names") + textTuple(objects, fields, "varnames");
  if (file.minor >= 11) {
    requireText(objects, fields, "qualname");
    for (const field of ["kinds", "exceptiontable"] as const) requireBytes(objects, fields, field);
    used += objects.size(fields.qualname) + objects.size(fields.exceptiontable);
  } else {
    used += textTuple(objects, fields, "freevars") + textTuple(objects, fields, "cellvars");
  }
  expansion.charge(used, offset);
  requireArguments(file, fields);
}

const counts = ["argcount", "posonlyargcount", "kwonlyargcount", "stacksize"] as const;

function requireCounts(fields: CodeFields): void {
  for (const field of counts) {
    if (fields[field] < 0)
      throw bad(fields.offset, `co_${field}: wanted 0 or more, found ${fields[field]}`);
  }
  const { argcount, posonlyargcount } = fields;
  if (posonlyargcount > argcount) {
    const what = `co_posonlyargcount: wanted at most co_argcount (${argcount}), found ${posonlyargcount}`;
    throw bad(fields.offset, what);
  }
}

/** Arguments come first among the locals, so there are at least as many. */
function requireArguments(file: PycFile, fields: CodeFields): void {
  const { objects } = file;
  const { argcount, kwonlyargcount, flags, kinds, offset } = fields;
  const names = objects.size(fields.varnames);
  if (kinds !== NULL && objects.size(kinds) !== names) {
    throw bad(offset, `co_localspluskinds: wanted ${names} bytes, found ${objects.size(kinds)}`);
  }
  const locals = kinds === NULL ? names : numberOfLocals(file, fields);
  const stars =
    Number((flags & CodeFlag.varargs) !== 0) + Number((flags & CodeFlag.varkeywords) !== 0);
  const needed = argcount + kwonlyargcount + stars;
  if (needed > locals) {
    throw bad(offset, `arguments: wanted ${needed} names in co_varnames, found ${locals}`);
  }
}

function requireBytes(
  objects: Objects,
  fields: CodeFields,
  field: "code" | "linetable" | "kinds" | "exceptiontable",
): void {
  if (objects.type(fields[field]) !== Type.bytes) throw wrongType(objects, fields, field, "bytes");
}

function requireText(
  objects: Objects,
  fields: CodeFields,
  field: "filename" | "name" | "qualname",
): void {
  if (!objects.isText(fields[field])) throw wrongType(objects, fields, field, "str");
}

type TupleField = "consts" | "names" | "varnames" | "freevars" | "cellvars";

function requireTuple(objects: Objects, fields: CodeFields, field: TupleField): void {
  if (!objects.isTuple(fields[field])) throw wrongType(objects, fields, field, "a tuple");
}

/** Bytes of all strings in a tuple that must hold nothing else; each counts one more. */
function textTuple(objects: Objects, fields: CodeFields, field: TupleField): number {
  requireTuple(objects, fields, field);
  const tuple = fields[field];
  const first = objects.start(tuple);
  const count = objects.size(tuple);
  let used = count;
  for (let index = first; index < first + count; index++) {
    const id = objects.children[index]!;
    if (!objects.isText(id)) {
      const found = typeName(objects.type(id));
      throw bad(fields.offset, `co_${field}: wanted str, found ${found}`);
    }
    used += objects.size(id);
  }
  return used;
}

function wrongType(
  objects: Objects,
  fields: CodeFields,
  field: keyof CodeFields,
  wanted: string,
): PycError {
  const found = typeName(objects.type(fields[field]));
  return bad(fields.offset, `co_${field}: wanted ${wanted}, found ${found}`);
}

const bad = (offset: number, what: string): PycError =>
  new PycError("bad-code", offset, `${what}; code object`);
