/** `.pyc` files of CPython 3.0 to 3.15: bytes → header and code objects. */
import { checkCode } from "./code-checks.ts";
import { CodeObject } from "./code-object.ts";
import { PycError } from "./error.ts";
import { Expansion } from "./expansion.ts";
import { type PycHeader, readHeader } from "./header.ts";
import { MAX_PYC_BYTES } from "./limits.ts";
import { MarshalReader } from "./marshal/reader.ts";
import { Type, typeName } from "./marshal/types.ts";
import { PycFile } from "./pyc-file.ts";
import { deriveQualnames } from "./qualnames.ts";

export interface PycWarning {
  readonly code: "trailing-bytes";
  /** Where in the file, in bytes. */
  readonly offset: number;
  readonly message: string;
}

export interface Pyc {
  readonly header: PycHeader;
  /** Minor version of CPython that compiled it: "3.12". */
  readonly pythonVersion: string;
  /** Every code object once, depth first over constants; 0 is the module. */
  readonly codes: readonly CodeObject[];
  /** What CPython does not mind, but no compiler writes. */
  readonly warnings: readonly PycWarning[];
}

/**
 * Reads a `.pyc`. Its objects and the fields of its code objects are checked here; names and tables
 * are decoded when they are asked for, and may throw `bad-string`, `bad-line-table` or
 * `bad-exception-table` then. Keeps a view of `input`. Throws PycError with a code and the offset.
 */
export function readPyc(input: Uint8Array): Pyc {
  // One class of array for the loops below, whatever the caller has (a Buffer is another one).
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.length);
  if (bytes.length > MAX_PYC_BYTES) {
    const what = `file of ${bytes.length} bytes: larger than MAX_PYC_BYTES (${MAX_PYC_BYTES}); end`;
    throw new PycError("limit", bytes.length, what);
  }
  const header = readHeader(bytes);
  const reader = new MarshalReader(bytes, header.size, header.version.minor);
  const top = reader.read();
  const { objects } = reader;
  if (objects.type(top) !== Type.code) {
    const found = typeName(objects.type(top));
    throw new PycError("not-code", header.size, `wanted a code object, found ${found}`);
  }
  const file = new PycFile(bytes, header, objects, reader.codes, reader.hasReferences);
  const codes = walk(file, top);
  return {
    header,
    pythonVersion: header.version.name,
    codes,
    warnings: trailing(reader.offset, bytes.length),
  };
}

function trailing(offset: number, length: number): PycWarning[] {
  if (offset === length) return [];
  const message = `${length - offset} bytes after the code object are ignored`;
  return [{ code: "trailing-bytes", offset, message }];
}

/** A code object whose constants are being walked. */
interface Visit {
  readonly code: CodeObject;
  /** The next constant to look at, and code objects among those before it. */
  next: number;
  found: number;
}

/** Each code object once, where it is met first: shared ones would unfold without bound. */
function walk(file: PycFile, top: number): CodeObject[] {
  const { objects } = file;
  const expansion = new Expansion(file.bytes.length);
  const seen = new Uint8Array(file.codes.length);
  const codes: CodeObject[] = [];
  const open: Visit[] = [];
  const enter = (id: number, parent: CodeObject | null, ordinal: number): void => {
    const number = objects.start(id);
    if (seen[number] === 1) return;
    seen[number] = 1;
    const fields = file.codes[number]!;
    checkCode(file, fields, expansion);
    expansion.charge(open.length, fields.offset);
    const code = new CodeObject(file, number, { index: codes.length, parent, ordinal });
    codes.push(code);
    open.push({ code, next: 0, found: 0 });
  };
  enter(top, null, 0);
  for (let visit = open.at(-1); visit !== undefined; visit = open.at(-1)) {
    const { consts } = visit.code.fields;
    if (visit.next === objects.size(consts)) {
      open.pop();
      continue;
    }
    const id = objects.child(consts, visit.next++);
    if (objects.type(id) === Type.code) enter(id, visit.code, visit.found++);
  }
  if (file.minor < 11) deriveQualnames(file, codes, expansion);
  return codes;
}
