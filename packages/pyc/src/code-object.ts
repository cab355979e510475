/** A code object, ready to be asked. What takes work (names, tables) is worked out when asked for. */
import { type ExceptionEntry, exceptionEntries } from "./exception-table.ts";
import { linetableRanges, readLinetable } from "./line-tables/linetable.ts";
import { lnotabLineStarts, readLnotab } from "./line-tables/lnotab.ts";
import { locationRanges, readLocationTable } from "./line-tables/location-table.ts";
import { PositionRuns } from "./line-tables/position-runs.ts";
import type { LineRange, LineStart, TableSource } from "./line-tables/table-source.ts";
import { addLocalNames, type LocalKind, localNames, numberOfLocals } from "./locals.ts";
import type { CodeFields } from "./marshal/code-fields.ts";
import { NULL } from "./marshal/objects.ts";
import type { NumberList } from "./number-list.ts";
import type { PycFile } from "./pyc-file.ts";

/** `co_flags`, Include/cpython/code.h. */
export const CodeFlag = {
  optimized: 0x1,
  newlocals: 0x2,
  varargs: 0x4,
  varkeywords: 0x8,
  generator: 0x20,
  coroutine: 0x80,
  asyncGenerator: 0x200,
} as const;

/** A function's code runs later than its call: calling it only makes a generator or coroutine. */
export const RUNS_LATER = CodeFlag.generator | CodeFlag.coroutine | CodeFlag.asyncGenerator;

const FUNCTION = CodeFlag.optimized | CodeFlag.newlocals;

export class CodeObject {
  /** Depth first over constants; the module is 0. */
  readonly index: number;
  readonly parent: CodeObject | null;
  /** Place among the code objects of the parent's constants. */
  readonly ordinal: number;
  /** Place in the file's list of code objects. */
  readonly number: number;
  readonly fields: CodeFields;
  readonly file: PycFile;
  /** Id of the str that is `co_qualname`; NULL where it had to be put together (`derivedQualname`). */
  qualnameId: number;
  derivedQualname = "";

  constructor(
    file: PycFile,
    number: number,
    place: { index: number; parent: CodeObject | null; ordinal: number },
  ) {
    this.file = file;
    this.number = number;
    this.fields = file.codes[number]!;
    this.index = place.index;
    this.parent = place.parent;
    this.ordinal = place.ordinal;
    this.qualnameId = this.fields.qualname;
  }

  get name(): string {
    return this.file.text(this.fields.name);
  }

  /** `co_qualname`; before 3.11 from the bytecode that makes the function (qualnames.ts). */
  get qualname(): string {
    return this.qualnameId === NULL ? this.derivedQualname : this.file.text(this.qualnameId);
  }

  get filename(): string {
    return this.file.text(this.fields.filename);
  }

  get firstLine(): number {
    return this.fields.firstlineno;
  }

  get flags(): number {
    return this.fields.flags;
  }

  /** Whether it is the body of a function (also lambda, generator, comprehension), not of a class or module. */
  get isFunction(): boolean {
    return (this.flags & FUNCTION) === FUNCTION;
  }

  /** Length of `co_code` in bytes. */
  get codeLength(): number {
    return this.file.objects.size(this.fields.code);
  }

  /** Where `co_code` begins in the file. */
  get codeStart(): number {
    return this.file.objects.start(this.fields.code);
  }

  /** `co_names`, `co_varnames`, `co_cellvars` and `co_freevars`. */
  get names(): string[] {
    return this.file.texts(this.fields.names);
  }

  locals(kind: LocalKind): string[] {
    return localNames(this.file, this.fields, kind).map((id) => this.file.text(id));
  }

  get nlocals(): number {
    const { fields, file } = this;
    return fields.nlocals >= 0 ? fields.nlocals : numberOfLocals(file, fields);
  }

  /** Adds the ids of the argument names: positional, keyword-only, then `*args` and `**kwargs` where there are any. */
  addArguments(ids: NumberList): { named: number; hasVarargs: boolean; hasVarkeywords: boolean } {
    const { argcount, kwonlyargcount, flags } = this.fields;
    const named = argcount + kwonlyargcount;
    const hasVarargs = (flags & CodeFlag.varargs) !== 0;
    const hasVarkeywords = (flags & CodeFlag.varkeywords) !== 0;
    const count = named + Number(hasVarargs) + Number(hasVarkeywords);
    addLocalNames(this.file, this.fields, count, ids);
    return { named, hasVarargs, hasVarkeywords };
  }

  /** Adds this code object's runs of equal positions. */
  readPositions(runs: PositionRuns): void {
    const { minor } = this.file;
    if (minor >= 11) readLocationTable(this.#table, runs);
    else if (minor === 10) readLinetable(this.#table, runs);
    else readLnotab(this.#table, minor >= 6, runs);
  }

  /** This code object's runs alone. Throws `bad-line-table`, as do the next two. */
  positions(): PositionRuns {
    const runs = new PositionRuns();
    this.readPositions(runs);
    return runs;
  }

  /** `co_lines()`; nothing before 3.10, which has none. */
  lineRanges(): Iterable<LineRange> {
    const { minor } = this.file;
    if (minor >= 11) return locationRanges(this.#table, minor);
    return minor === 10 ? linetableRanges(this.#table) : [];
  }

  /** What `dis.findlinestarts` of its version lists. */
  *lineStarts(): Generator<LineStart> {
    const { minor } = this.file;
    if (minor < 10) {
      yield* lnotabLineStarts(this.#table, minor);
      return;
    }
    let last: number | null | undefined = undefined;
    for (const [start, , line] of this.lineRanges()) {
      // Up to 3.12 instructions without a line start none; from 3.13 on they start the line None.
      if (line === last || (line === null && minor < 13)) continue;
      last = line;
      yield [start, line];
    }
  }

  get hasExceptions(): boolean {
    return this.file.objects.size(this.fields.exceptiontable) > 0;
  }

  /** Entries of `co_exceptiontable`; none before 3.11. Throws `bad-exception-table`. */
  exceptions(): Iterable<ExceptionEntry> {
    const { objects, bytes } = this.file;
    const id = this.fields.exceptiontable;
    if (id === NULL) return [];
    const start = objects.start(id);
    return exceptionEntries(bytes, start, start + objects.size(id));
  }

  /** Bytes of the line table as they are. */
  lineTable(): Uint8Array {
    return this.file.bytes.subarray(this.#table.start, this.#table.end);
  }

  get #table(): TableSource {
    const { objects, bytes } = this.file;
    const start = objects.start(this.fields.linetable);
    return {
      bytes,
      start,
      end: start + objects.size(this.fields.linetable),
      firstLine: this.firstLine,
      codeLength: this.codeLength,
    };
  }
}
