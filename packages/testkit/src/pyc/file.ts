/** Writes code objects in the layout of each CPython version, and the header in front of them. */
import { ByteSink, py, type PyObject } from "./marshal.ts";

/** What a test wants to show; everything else is an empty function's. */
export interface SynthCode {
  readonly name?: string;
  readonly qualname?: string;
  readonly filename?: string;
  readonly firstLine?: number;
  readonly argcount?: number;
  readonly posonly?: number;
  readonly kwonly?: number;
  readonly stacksize?: number;
  readonly flags?: number;
  readonly code?: Iterable<number>;
  readonly consts?: readonly PyObject[];
  readonly names?: readonly string[];
  readonly varnames?: readonly string[];
  readonly cellvars?: readonly string[];
  readonly freevars?: readonly string[];
  readonly lineTable?: Uint8Array;
  readonly exceptionTable?: Uint8Array;
  /** Instead of what the fields above give. */
  readonly fields?: Partial<
    Record<
      | "code"
      | "consts"
      | "names"
      | "varnames"
      | "kinds"
      | "filename"
      | "name"
      | "qualname"
      | "lineTable"
      | "exceptionTable",
      PyObject
    >
  >;
}

/** OPTIMIZED | NEWLOCALS: a function. */
const FUNCTION = 3;

/** A code object as CPython 3.`minor` marshals it. */
export const synthCode =
  (minor: number, code: SynthCode): PyObject =>
  (out) => {
    const { argcount = 0, posonly = 0, kwonly = 0, stacksize = 1, flags = FUNCTION } = code;
    const nlocals = code.varnames?.length ?? 0;
    const counts = minor >= 8 ? [argcount, posonly, kwonly] : [argcount, kwonly];
    const sizes = minor >= 11 ? [stacksize, flags] : [nlocals, stacksize, flags];
    out.type("c");
    for (const number of [...counts, ...sizes]) out.u32(number);
    for (const object of objectsBeforeLine(minor, code)) object(out);
    out.u32(code.firstLine ?? 1);
    const { fields = {}, lineTable = [], exceptionTable = [] } = code;
    (fields.lineTable ?? py.bytes(lineTable))(out);
    if (minor >= 11) (fields.exceptionTable ?? py.bytes(exceptionTable))(out);
  };

function objectsBeforeLine(minor: number, code: SynthCode): PyObject[] {
  const { name = "f", filename = "/srv/app/m.py", fields = {} } = code;
  const strings = (texts: readonly string[] = []): PyObject =>
    py.tuple(...texts.map((text) => py.str(text)));
  const first = [
    fields.code ?? py.bytes(code.code ?? [0, 0]),
    fields.consts ?? py.tuple(...(code.consts ?? [])),
    fields.names ?? strings(code.names),
  ];
  const last = [fields.filename ?? py.str(filename), fields.name ?? py.str(name)];
  if (minor < 11) {
    const varnames = fields.varnames ?? strings(code.varnames);
    return [...first, varnames, strings(code.freevars), strings(code.cellvars), ...last];
  }
  const locals = localsOf(code);
  return [
    ...first,
    fields.varnames ?? strings(locals.map(([text]) => text)),
    fields.kinds ?? py.bytes(locals.map(([, kind]) => kind)),
    ...last,
    fields.qualname ?? py.str(code.qualname ?? name),
  ];
}

/** `co_localsplusnames` with the kind of each: 0x20 local, 0x40 cell, 0x80 free. A cell argument is both of the first two. */
function localsOf({ varnames = [], cellvars = [], freevars = [] }: SynthCode): [string, number][] {
  const cells = new Set(cellvars);
  const locals = varnames.map((text): [string, number] => [text, cells.has(text) ? 0x60 : 0x20]);
  const own = new Set(varnames);
  const others = cellvars
    .filter((text) => !own.has(text))
    .map((text): [string, number] => [text, 0x40]);
  return [...locals, ...others, ...freevars.map((text): [string, number] => [text, 0x80])];
}

/** Magic numbers of the releases, 3.0 first. */
const magics = [
  3131, 3151, 3180, 3230, 3310, 3350, 3379, 3394, 3413, 3425, 3439, 3495, 3531, 3571, 3627, 3666,
];

export interface SynthHeader {
  readonly magic?: number;
  readonly flags?: number;
  readonly mtime?: number;
  readonly sourceSize?: number;
  /** 8 bytes: a hash-based `.pyc` (3.7 and later); give `flags` 1 or 3 with it. */
  readonly hash?: Iterable<number>;
}

export const magicOf = (minor: number): number => magics[minor] ?? 0;

/** A `.pyc` of CPython 3.`minor`. */
export function synthPyc(
  minor: number,
  top: PyObject | SynthCode,
  header: SynthHeader = {},
): Uint8Array {
  const out = new ByteSink();
  out.u16(header.magic ?? magicOf(minor));
  out.bytes([0x0d, 0x0a]);
  if (minor >= 7) out.u32(header.flags ?? 0);
  if (header.hash === undefined) {
    out.u32(header.mtime ?? 0);
    if (minor >= 3) out.u32(header.sourceSize ?? 0);
  } else {
    out.bytes(header.hash);
  }
  const object = typeof top === "function" ? top : synthCode(minor, top);
  object(out);
  return out.finish();
}
