/**
 * A `.pyc` as one JSON object: header, `codes` depth first, and each code object's tables as the
 * interpreter's own functions list them. Fields that a version does not have are left out.
 *
 * Written piece by piece: a big module's positions are many times its size.
 */
import type { CodeObject } from "./code-object.ts";
import { constantTexts } from "./constants.ts";
import type { PycHeader } from "./header.ts";
import { NO_VALUE, type PositionRuns } from "./line-tables/position-runs.ts";
import { LocalKind } from "./locals.ts";
import { NumberList } from "./number-list.ts";
import type { Pyc } from "./pyc.ts";

/** The table's bytes are shown only for code shorter than this. */
const MAX_CODE_WITH_TABLE_BYTES = 400;
const PIECE_CHARS = 32 * 1024;

/**
 * The pieces of the object's text, without a line end. Every name and table is decoded before the
 * first piece is handed out, so that a damaged one throws its PycError before anything is written.
 */
export function* pycJson(pyc: Pyc, name: string): Generator<string> {
  checkAll(pyc);
  const { header, codes } = pyc;
  const top = codes[0]!;
  const head = {
    python: pyc.pythonVersion,
    pyc: name,
    header: headerJson(header),
    codeCount: codes.length,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"codes":[`;
  for (const code of codes) {
    if (code.index > 0) yield ",";
    yield* codeJson(code);
  }
  yield `],"moduleConsts":${JSON.stringify(constantTexts(top.file, top.fields.consts))}}`;
}

function checkAll({ codes }: Pyc): void {
  for (const code of codes) {
    code.positions();
    for (const entry of code.exceptions()) void entry;
    void facts(code);
  }
}

function headerJson({ magic, size, flags, source }: PycHeader): object {
  const magicHex = Buffer.from([magic & 0xff, magic >> 8, 0x0d, 0x0a]).toString("hex");
  const before = { magic, magicHex, headerSize: size, ...(flags === null ? {} : { flags }) };
  if (source.checkedBy === "hash") {
    return { ...before, hash: source.hash, checkSource: source.checked };
  }
  return {
    ...before,
    mtime: source.mtime,
    ...(source.size === null ? {} : { sourceSize: source.size }),
  };
}

/** All but the tables. */
function facts(code: CodeObject): object {
  const { fields, file } = code;
  const ids = new NumberList(16);
  const { named, hasVarargs, hasVarkeywords } = code.addArguments(ids);
  const argument = (index: number): string => file.text(ids.values[index]!);
  return {
    path: pathOf(code),
    name: code.name,
    filename: code.filename,
    firstLine: code.firstLine,
    argcount: fields.argcount,
    posonly: fields.posonlyargcount,
    kwonly: fields.kwonlyargcount,
    nlocals: code.nlocals,
    stacksize: fields.stacksize,
    flags: code.flags,
    varnames: code.locals(LocalKind.local),
    cellvars: code.locals(LocalKind.cell),
    freevars: code.locals(LocalKind.free),
    names: code.names,
    codeBytes: code.codeLength,
    nconsts: file.objects.size(fields.consts),
    qualname: code.qualname,
    args: Array.from({ length: named }, (_, index) => argument(index)),
    ...(hasVarargs ? { varargs: argument(named) } : {}),
    ...(hasVarkeywords ? { varkw: argument(ids.length - 1) } : {}),
    lineTableHex:
      code.codeLength < MAX_CODE_WITH_TABLE_BYTES
        ? Buffer.from(code.lineTable()).toString("hex")
        : null,
  };
}

/** Indexes among the nested code objects, level by level. */
function pathOf(code: CodeObject): number[] {
  const path: number[] = [];
  for (let at: CodeObject = code; at.parent !== null; at = at.parent) path.push(at.ordinal);
  return path.toReversed();
}

function* codeJson(code: CodeObject): Generator<string> {
  const { minor } = code.file;
  yield JSON.stringify(facts(code)).slice(0, -1);
  const runs = code.positions();
  yield* rowsJson("addr2line", addr2line(code, runs));
  if (minor >= 10) yield* rowsJson("coLines", code.lineRanges());
  yield* rowsJson("lineStarts", code.lineStarts());
  if (minor >= 11) {
    yield* rowsJson("positions", positionRows(code, runs));
    yield* rowsJson("exceptions", exceptionRows(code));
  }
  yield "}";
}

function* rowsJson(key: string, rows: Iterable<readonly unknown[]>): Generator<string> {
  let piece = `,"${key}":[`;
  let comma = "";
  for (const row of rows) {
    piece += `${comma}${JSON.stringify(row)}`;
    comma = ",";
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]`;
}

/** Runs of equal PyCode_Addr2Line: [start, end, line], -1 for no line. */
function* addr2line(code: CodeObject, runs: PositionRuns): Generator<readonly number[]> {
  let first = 0;
  for (let index = 1; index <= runs.count; index++) {
    const line = runs.lines[first]!;
    if (index < runs.count && runs.lines[index] === line) continue;
    yield [runs.starts[first]!, endOf(code, runs, index - 1), line];
    first = index;
  }
}

/** Runs of equal `co_positions()`: [start, end, line, endLine, column, endColumn]. */
function* positionRows(
  code: CodeObject,
  runs: PositionRuns,
): Generator<readonly (number | null)[]> {
  for (let index = 0; index < runs.count; index++) {
    yield [
      runs.starts[index]!,
      endOf(code, runs, index),
      known(runs.lines[index]!),
      known(runs.endLines[index]!),
      known(runs.columns[index]!),
      known(runs.endColumns[index]!),
    ];
  }
}

const known = (value: number): number | null => (value === NO_VALUE ? null : value);

const endOf = (code: CodeObject, runs: PositionRuns, index: number): number =>
  index + 1 < runs.count ? runs.starts[index + 1]! : code.codeLength;

function* exceptionRows(code: CodeObject): Generator<readonly (number | boolean)[]> {
  for (const { start, end, target, depth, lasti } of code.exceptions()) {
    yield [start, end, target, depth, lasti];
  }
}
