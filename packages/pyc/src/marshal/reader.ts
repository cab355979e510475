/**
 * marshal, versions 0 to 6 (Python/marshal.c, r_object): bytes → ids of objects.
 *
 * One pass, hand-written over the bytes: this loop sees every byte of a file. Leaves are not decoded,
 * only found. Every count is held against the bytes left before anything is set aside for it.
 * Not read: Python 2's own types (R, long-form interned strings).
 */
import { PycError } from "../error.ts";
import { MAX_CODE_OBJECTS, MAX_DEPTH } from "../limits.ts";
import type { CodeFields } from "./code-fields.ts";
import { ELLIPSIS, FALSE, NONE, NULL, Objects, STOP_ITERATION, TRUE } from "./objects.ts";
import { Type, typeName } from "./types.ts";

const FLAG_REF = 0x80;
/** In `refs`: a container that is still being read. */
const UNFINISHED = -1;

export class MarshalReader {
  readonly objects: Objects;
  readonly codes: CodeFields[] = [];
  readonly #bytes: Uint8Array;
  readonly #minor: number;
  #at: number;
  #refs = new Int32Array(64);
  #refCount = 0;
  /** Whether some object was referred to: equal names are one object then. */
  hasReferences = false;
  /** Children that open containers still wait for: each takes at least one byte. */
  #awaited = 0;

  /** Reads from `start` of `bytes`, written by CPython 3.`minor`. */
  constructor(bytes: Uint8Array, start: number, minor: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#minor = minor;
    this.objects = new Objects(bytes.length);
  }

  /** Where the next object begins. */
  get offset(): number {
    return this.#at;
  }

  /** Reads one object, which may not be NULL; its id. */
  read(depth = 0): number {
    const start = this.#at;
    const id = this.#object(depth);
    if (id === NULL) throw new PycError("bad-type", start, "wanted an object, found NULL");
    return id;
  }

  #object(depth: number): number {
    const start = this.#at;
    const byte = this.#bytes[start];
    if (byte === undefined) throw this.#truncated("type byte", 1);
    this.#at = start + 1;
    const type = byte & ~FLAG_REF;
    switch (type) {
      case Type.null:
        return NULL;
      case Type.none:
        return NONE;
      case Type.false:
        return FALSE;
      case Type.true:
        return TRUE;
      case Type.ellipsis:
        return ELLIPSIS;
      case Type.stopIteration:
        return STOP_ITERATION;
      case Type.ref:
        return this.#reference(start);
      default:
        break;
    }
    const size = this.#leafSize(type);
    if (size >= 0) return this.#leaf(type, size, byte !== type);
    if (depth >= MAX_DEPTH) {
      throw new PycError("limit", start, `objects nested deeper than MAX_DEPTH (${MAX_DEPTH})`);
    }
    const ref = byte === type ? -1 : this.#addRef(UNFINISHED);
    const id = this.#container(type, start, depth + 1);
    if (ref >= 0) this.#refs[ref] = id;
    return id;
  }

  /** Payload bytes of a leaf, after its length field; -1 for what has children. */
  #leafSize(type: number): number {
    switch (type) {
      case Type.shortAscii:
      case Type.shortAsciiInterned:
        return this.#u8("string length");
      case Type.int:
        return 4;
      case Type.ascii:
      case Type.asciiInterned:
      case Type.unicode:
      case Type.interned:
        return this.#count("string length");
      case Type.bytes:
        return this.#count("bytes length");
      case Type.long:
        // The sign is the count's, which stays in the file 4 bytes before the digits.
        return 2 * Math.abs(this.#i32("number of digits"));
      case Type.float:
      case Type.int64:
        return 8;
      case Type.complex:
        return 16;
      case Type.floatText:
        return this.#textSize(1);
      case Type.complexText:
        return this.#textSize(2);
      default:
        return -1;
    }
  }

  #leaf(type: number, size: number, isReferred: boolean): number {
    const start = this.#at;
    if (size > this.#bytes.length - start) throw this.#truncated(typeName(type), size);
    this.#at = start + size;
    const id = this.objects.add(type, start, size);
    if (isReferred) this.#addRef(id);
    return id;
  }

  #container(type: number, start: number, depth: number): number {
    switch (type) {
      case Type.smallTuple:
        return this.#sequence(type, this.#u8("tuple length"), depth);
      case Type.tuple:
      case Type.list:
      case Type.set:
      case Type.frozenset:
        return this.#sequence(type, this.#count("number of elements"), depth);
      case Type.slice:
        return this.#sequence(type, 3, depth);
      case Type.dict:
      case Type.frozendict:
        return this.#dict(type, depth);
      case Type.code: {
        const fields = this.#code(start, depth);
        if (this.codes.length >= MAX_CODE_OBJECTS) {
          const what = `more code objects than MAX_CODE_OBJECTS (${MAX_CODE_OBJECTS})`;
          throw new PycError("limit", start, what);
        }
        this.codes.push(fields);
        return this.objects.add(type, this.codes.length - 1, 0);
      }
      default:
        throw new PycError("bad-type", start, `unknown marshal type ${typeName(type)}`);
    }
  }

  #sequence(type: number, count: number, depth: number): number {
    const { objects } = this;
    const left = this.#bytes.length - this.#at - this.#awaited;
    if (count > left) {
      const what = `${typeName(type)}: ${count} elements, and bytes for at most ${Math.max(0, left)} left`;
      throw new PycError("truncated", this.#at, what);
    }
    this.#awaited += count;
    const first = objects.reserve(count);
    for (let index = first; index < first + count; index++) {
      this.#awaited--;
      // First the child: reading it may move `children` to a larger array.
      const child = this.read(depth);
      objects.children[index] = child;
    }
    return objects.add(type, first, count);
  }

  #dict(type: number, depth: number): number {
    const entries: number[] = [];
    for (;;) {
      const key = this.#object(depth);
      if (key === NULL) break;
      entries.push(key, this.read(depth));
    }
    const first = this.objects.reserve(entries.length);
    this.objects.children.set(entries, first);
    return this.objects.add(type, first, entries.length);
  }

  #code(offset: number, depth: number): CodeFields {
    const minor = this.#minor;
    const argcount = this.#i32("co_argcount");
    const posonlyargcount = minor >= 8 ? this.#i32("co_posonlyargcount") : 0;
    const kwonlyargcount = this.#i32("co_kwonlyargcount");
    const nlocals = minor >= 11 ? -1 : this.#i32("co_nlocals");
    const stacksize = this.#i32("co_stacksize");
    const flags = this.#i32("co_flags");
    const code = this.read(depth);
    const consts = this.read(depth);
    const names = this.read(depth);
    const varnames = this.read(depth);
    const kinds = minor >= 11 ? this.read(depth) : NULL;
    const freevars = minor >= 11 ? NULL : this.read(depth);
    const cellvars = minor >= 11 ? NULL : this.read(depth);
    const filename = this.read(depth);
    const name = this.read(depth);
    const qualname = minor >= 11 ? this.read(depth) : NULL;
    const firstlineno = this.#i32("co_firstlineno");
    const linetable = this.read(depth);
    const exceptiontable = minor >= 11 ? this.read(depth) : NULL;
    return {
      offset, argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno,
      code, consts, names, varnames, kinds, freevars, cellvars,
      filename, name, qualname, linetable, exceptiontable,
    }; // prettier-ignore
  }

  #reference(start: number): number {
    const index = this.#i32("reference");
    if (index < 0 || index >= this.#refCount) {
      const what = `reference ${index}: there are ${this.#refCount} objects to refer to`;
      throw new PycError("bad-reference", start, what);
    }
    const id = this.#refs[index] ?? UNFINISHED;
    if (id === UNFINISHED) {
      const what = `reference ${index} to the object that it is part of`;
      throw new PycError("bad-reference", start, what);
    }
    this.hasReferences = true;
    return id;
  }

  #addRef(id: number): number {
    const index = this.#refCount;
    if (index === this.#refs.length) {
      const grown = new Int32Array(index * 2);
      grown.set(this.#refs);
      this.#refs = grown;
    }
    this.#refs[index] = id;
    this.#refCount = index + 1;
    return index;
  }

  /** `parts` numbers as text, each after its length byte: size of all, length bytes included. */
  #textSize(parts: number): number {
    let size = 0;
    for (let part = 0; part < parts; part++) {
      const length = this.#bytes[this.#at + size];
      if (length === undefined) throw this.#truncated("number as text", size + 1);
      size += 1 + length;
    }
    return size;
  }

  #count(field: string): number {
    const start = this.#at;
    const count = this.#i32(field);
    if (count < 0)
      throw new PycError("bad-length", start, `${field}: wanted 0 or more, found ${count}`);
    return count;
  }

  #u8(field: string): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw this.#truncated(field, 1);
    this.#at++;
    return value;
  }

  #i32(field: string): number {
    const bytes = this.#bytes;
    const at = this.#at;
    const top = bytes[at + 3];
    if (top === undefined) throw this.#truncated(field, 4);
    this.#at = at + 4;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (top << 24);
  }

  #truncated(field: string, need: number): PycError {
    const have = this.#bytes.length - this.#at;
    return new PycError("truncated", this.#at, `${field}: need ${need} bytes, have ${have}`);
  }
}
