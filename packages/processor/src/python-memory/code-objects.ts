/** Code objects: what names a frame, and where its instructions came from. */
import { type Position, positionAt, PycError } from "@faultline/pyc";
import { MAX_PYTHON_LINE_TABLE_BYTES } from "../limits.ts";
import type { Layout } from "./layout.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { readText } from "./text.ts";

/** Null fields could not be read. */
export interface CodeFacts {
  readonly name: string | null;
  readonly qualname: string | null;
  readonly file: string | null;
  readonly firstLine: number | null;
}

interface Code extends CodeFacts {
  readonly lineTable: Uint8Array | null;
  readonly positions: Map<number, Position>;
}

const nowhere: Position = { line: null, endLine: null, column: null, endColumn: null };

/** The code objects of one process, each read once. */
export class CodeObjects {
  readonly #memory: ProcessMemory;
  readonly #layout: Layout;
  readonly #read = new Map<bigint, Code>();
  /** Line tables that could not be read. */
  damagedTables = 0;

  constructor(memory: ProcessMemory, layout: Layout) {
    this.#memory = memory;
    this.#layout = layout;
  }

  at(address: bigint): CodeFacts {
    return this.#at(address);
  }

  /** Of the instruction at byte `offset` of the bytecode; null: not known, or none. */
  position(address: bigint, offset: number | null): Position {
    const code = this.#at(address);
    if (offset === null) return nowhere;
    const known = code.positions.get(offset);
    if (known !== undefined) return known;
    const found = this.#locate(code, offset);
    code.positions.set(offset, found);
    return found;
  }

  #at(address: bigint): Code {
    const known = this.#read.get(address);
    if (known !== undefined) return known;
    const { code, text } = this.#layout;
    const textAt = (offset: number): string | null => {
      const at = this.#memory.word(address + BigInt(offset));
      return at === null ? null : readText(this.#memory, text, at);
    };
    const read: Code = {
      name: textAt(code.name),
      qualname: code.qualname === null ? null : textAt(code.qualname),
      file: textAt(code.filename),
      firstLine: this.#memory.int(address + BigInt(code.firstLine)),
      lineTable: this.#bytesAt(address + BigInt(code.lineTable)),
      positions: new Map(),
    };
    this.#read.set(address, read);
    return read;
  }

  #bytesAt(pointer: bigint): Uint8Array | null {
    const { size, data } = this.#layout.bytes;
    const at = this.#memory.word(pointer);
    const length = at === null ? null : this.#memory.word(at + BigInt(size));
    if (at === null || length === null || length > BigInt(MAX_PYTHON_LINE_TABLE_BYTES)) return null;
    return this.#memory.bytes(at + BigInt(data), Number(length));
  }

  #locate({ lineTable, firstLine }: Code, offset: number): Position {
    if (lineTable === null || firstLine === null) return nowhere;
    if (!this.#memory.spend(lineTable.length)) return nowhere;
    try {
      const table = { bytes: lineTable, firstLine, minor: this.#layout.minor };
      return positionAt(table, offset) ?? nowhere;
    } catch (error) {
      if (!(error instanceof PycError)) throw error;
      this.damagedTables++;
      return nowhere;
    }
  }
}
