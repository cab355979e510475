/**
 * Records of a Breakpad `.sym` file, line by line, into a cache under construction.
 *
 * Breakpad, docs/symbol_files.md; INLINE and INLINE_ORIGIN in the older dialect too (origins with a file, call
 * sites without). STACK records are handed on. Not handled: the parameter size.
 * A line that cannot be read costs itself alone.
 */
import { Flattener } from "../cache/flatten.ts";
import type { CacheModel } from "../cache/model.ts";
import type { Demangle, FunctionSymbol } from "../cache/function-symbols.ts";
import type { RowSink } from "../cache/row-sink.ts";
import { type LineTable, LineTableBuilder } from "../dwarf/line-table.ts";
import {
  MAX_INLINE_DEPTH,
  MAX_INLINES,
  MAX_SYM_FILES,
  MAX_SYM_GAPS,
  MAX_SYM_LINE_BYTES,
  MAX_SYM_ORIGINS,
} from "../limits.ts";
import { GapList } from "../gap-list.ts";
import type { Fields } from "./fields.ts";
import { FunctionLines } from "./function-lines.ts";
import { type InlineRecord, nestInlines } from "./inline-records.ts";
import type { StackRecords } from "./stack-records.ts";

/** A function under way. */
interface OpenFunction {
  readonly start: number;
  readonly end: number;
  readonly scope: number;
}

interface Origin {
  readonly functionId: number;
  /** Number of the FILE the function is in; null where that is not told. */
  readonly file: number | null;
}

export class SymReader {
  /** Lower-case hex of INFO CODE_ID. */
  codeId: string | null = null;
  readonly publics: FunctionSymbol[] = [];
  /** Starts of functions, as they came. */
  readonly starts: number[] = [];
  /** Where the code ends, as far as functions and STACK records tell. */
  codeEnd = 0;
  private readonly fields: Fields;
  private readonly stack: StackRecords;
  private readonly model: CacheModel;
  private readonly flattener: Flattener;
  private readonly demangle: Demangle;
  private readonly files = new Map<number, number>();
  private readonly origins = new Map<number, Origin>();
  private readonly gaps = new GapList(MAX_SYM_GAPS, "more lines could not be read");
  private open: OpenFunction | null = null;
  private readonly lines = new FunctionLines();
  private inlines: InlineRecord[] = [];
  private inlineRanges = 0;
  /** Lines whose function could not be read. */
  private readonly orphans = new LineTableBuilder();
  /** File of the function's first line. */
  private firstFile = 0;

  constructor(
    fields: Fields,
    model: CacheModel,
    sink: RowSink,
    stack: StackRecords,
    demangle: Demangle,
  ) {
    this.fields = fields;
    this.stack = stack;
    this.model = model;
    this.flattener = new Flattener(sink);
    this.demangle = demangle;
  }

  /** Reads everything behind the first line. `progress` is told once a mebibyte. */
  readRecords(from: number, progress: (done: number, total: number) => void): void {
    const { bytes } = this.fields;
    let number = 2;
    let told = 0;
    for (let at = from; at < bytes.length; number += 1) {
      if (at - told >= MEBIBYTE) {
        told = at;
        progress(Math.floor(at / MEBIBYTE), Math.ceil(bytes.length / MEBIBYTE));
      }
      const found = bytes.indexOf(NEWLINE, at);
      const next = found === -1 ? bytes.length : found;
      const end = next > at && bytes[next - 1] === RETURN ? next - 1 : next;
      if (end - at > MAX_SYM_LINE_BYTES)
        this.gaps.add(
          `line ${number}: ${end - at} bytes, MAX_SYM_LINE_BYTES is ${MAX_SYM_LINE_BYTES}`,
        );
      else if (end > at) this.readLine(at, end, number);
      at = next + 1;
    }
    this.finishFunction();
    this.stack.finish();
  }

  /** Lines that belong to no function. */
  orphanLines(): LineTable {
    return this.orphans.finish();
  }

  allGaps(): readonly string[] {
    return [...this.gaps.all(), ...this.flattener.gaps()];
  }

  functionId(name: string): number {
    const shown = this.demangle(name);
    return this.model.function(shown, shown === name ? null : name);
  }

  private readLine(at: number, end: number, number: number): void {
    const { fields } = this;
    fields.open(at, end);
    const kind = this.readRecord(fields.bytes[at] as number);
    if (fields.bad === null) return;
    this.gaps.add(`line ${number}: ${kind} record: ${fields.bad}`);
    // the lines that follow belong to the function that could not be read, not to the one before
    if (kind === "FUNC") this.finishFunction();
  }

  /** Answers with the kind of record, for a message; what is wrong with it is in `fields.bad`. */
  private readRecord(first: number): string {
    const { fields } = this;
    switch (first) {
      case 0x46: // F
        if (fields.take("FUNC")) return this.readFunction();
        if (fields.take("FILE")) return this.readFile();
        break;
      case 0x49: // I
        if (fields.take("INLINE")) return this.readInline();
        if (fields.take("INLINE_ORIGIN")) return this.readOrigin();
        if (fields.take("INFO")) return this.readInfo();
        break;
      case 0x50: // P
        if (fields.take("PUBLIC")) return this.readPublic();
        break;
      case 0x53: // S
        if (fields.take("STACK")) return this.readStack();
        break;
      default:
    }
    return this.readLineRecord();
  }

  private readLineRecord(): string {
    const { fields } = this;
    const start = fields.hex("address");
    const size = fields.hex("size");
    const line = fields.decimal("line");
    const file = fields.decimal("file");
    if (fields.bad !== null) return "line";
    const id = this.files.get(file) ?? 0;
    if (this.open === null) {
      this.orphans.add(start, id, line, 0);
      this.orphans.endSequence(start + size, true);
      return "line";
    }
    if (this.firstFile === 0) this.firstFile = id;
    this.lines.add(start, start + size, id, line);
    return "line";
  }

  private readFunction(): string {
    const { fields } = this;
    fields.take("m");
    const start = fields.hex("address");
    const size = fields.hex("size");
    fields.hex("parameter size");
    if (fields.bad !== null) return "FUNC";
    this.finishFunction();
    const name = fields.rest();
    const end = start + size;
    if (size === 0) this.publics.push({ address: start, size: 0, name });
    else this.starts.push(start);
    this.codeEnd = Math.max(this.codeEnd, end);
    this.open = { start, end, scope: this.model.rootScope(this.functionId(name)) };
    return "FUNC";
  }

  private readFile(): string {
    const number = this.fields.decimal("number");
    if (this.files.size >= MAX_SYM_FILES)
      this.fields.bad ??= `more than MAX_SYM_FILES (${MAX_SYM_FILES})`;
    if (this.fields.bad === null) this.files.set(number, this.model.file(this.fields.rest()));
    return "FILE";
  }

  private readOrigin(): string {
    const { fields } = this;
    const number = fields.decimal("number");
    if (this.origins.size >= MAX_SYM_ORIGINS)
      fields.bad ??= `more than MAX_SYM_ORIGINS (${MAX_SYM_ORIGINS})`;
    if (fields.bad !== null) return "INLINE_ORIGIN";
    const text = fields.rest();
    // the old dialect has a file number, or -1, before the name; no function's name begins so
    const old = /^(-1|\d{1,10}) +(?=\S)/.exec(text);
    this.origins.set(number, {
      functionId: this.functionId(old === null ? text : text.slice(old[0].length)),
      file: old === null ? null : Number(old[1]),
    });
    return "INLINE_ORIGIN";
  }

  private readInline(): string {
    const { fields } = this;
    // pairs of address and size end the record, so the count tells whether it says the call's file
    const callFileTold = fields.count() % 2 === 0;
    const depth = fields.decimal("depth");
    const callLine = fields.decimal("call line");
    const callFile = callFileTold && !fields.take("-1") ? fields.decimal("call file") : null;
    const origin = fields.decimal("origin");
    const ranges: number[] = [];
    do {
      const start = fields.hex("address");
      ranges.push(start, start + fields.hex("size"));
    } while (fields.bad === null && fields.more());
    if (depth >= MAX_INLINE_DEPTH)
      fields.bad ??= `deeper than MAX_INLINE_DEPTH (${MAX_INLINE_DEPTH})`;
    this.inlineRanges += ranges.length / 2;
    if (this.inlineRanges > MAX_INLINES)
      fields.bad ??= `more than MAX_INLINES (${MAX_INLINES}) in one function`;
    if (fields.bad === null && this.open !== null)
      this.inlines.push({ depth, callLine, callFile, origin, ranges });
    return "INLINE";
  }

  private readInfo(): string {
    const { fields } = this;
    if (fields.take("CODE_ID")) this.codeId = fields.word("id").toLowerCase();
    return "INFO";
  }

  private readStack(): string {
    const { fields, stack } = this;
    if (fields.take("WIN")) {
      const type = fields.hex("type");
      const start = fields.hex("address");
      const size = fields.hex("size");
      stack.windows(fields, type, start, size);
      if (fields.bad === null) this.codeEnd = Math.max(this.codeEnd, start + size);
      return "STACK WIN";
    }
    if (!fields.take("CFI")) fields.bad ??= "neither CFI nor WIN";
    if (!fields.take("INIT")) {
      stack.change(fields, fields.hex("address"));
      return "STACK CFI";
    }
    const start = fields.hex("address");
    const size = fields.hex("size");
    if (fields.bad === null) this.codeEnd = Math.max(this.codeEnd, start + size);
    stack.begin(fields, start, size);
    return "STACK CFI INIT";
  }

  private readPublic(): string {
    const { fields } = this;
    fields.take("m");
    const address = fields.hex("address");
    fields.hex("parameter size");
    if (fields.bad === null) this.publics.push({ address, size: 0, name: fields.rest() });
    return "PUBLIC";
  }

  /** Lays the function under way flat: its lines under its inlined calls. */
  private finishFunction(): void {
    const { open } = this;
    if (open !== null && open.end > open.start) {
      const lines = this.lines.finish();
      const { calls, scopes } = nestInlines(this.inlines, open.scope, (record, around, scope) =>
        this.inlineScope(record, around, scope),
      );
      this.flattener.add(open.start, open.end, open.scope, calls, scopes, lines);
    }
    this.open = null;
    this.lines.clear();
    this.inlines = [];
    this.inlineRanges = 0;
    this.firstFile = 0;
  }

  private inlineScope(
    { origin, callFile, callLine }: InlineRecord,
    around: InlineRecord | null,
    scope: number,
  ): number {
    const id = this.origins.get(origin)?.functionId ?? this.functionId("");
    return this.model.addScope(id, scope, this.callFile(callFile, around), callLine, 0);
  }

  /** The old dialect tells no call's file: it is that of the function called from. */
  private callFile(told: number | null, around: InlineRecord | null): number {
    if (told !== null) return this.files.get(told) ?? 0;
    if (around === null) return this.firstFile;
    return this.files.get(this.origins.get(around.origin)?.file ?? -1) ?? 0;
  }
}

const MEBIBYTE = 1024 ** 2;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
