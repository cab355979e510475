/**
 * Marshalled objects as columns of numbers: a constant costs no JavaScript object, and one shared by
 * reference is one entry. An object is known by its id, an index into the columns.
 */
import { Type } from "./types.ts";

/** Ids of the objects that carry nothing; their order is the order in which `Objects` adds them. */
export const NULL = 0;
const SINGLETONS = [Type.null, Type.none, Type.false, Type.true, Type.ellipsis, Type.stopIteration];
export const NONE = 1;
export const FALSE = 2;
export const TRUE = 3;
export const ELLIPSIS = 4;
export const STOP_ITERATION = 5;

export class Objects {
  /** Type byte, one of `Type`. */
  types: Uint8Array;
  /** Where the payload begins: in the file; of containers in `children`; of code objects in the list of codes. */
  starts: Int32Array;
  /** Bytes of the payload; of containers children (two for each entry of a dict). */
  sizes: Int32Array;
  count = 0;
  /** Ids of all containers' children, those of one side by side. */
  children: Int32Array;
  childCount = 0;

  constructor(fileSize: number) {
    const expected = Math.max(64, fileSize >> 5);
    this.types = new Uint8Array(expected);
    this.starts = new Int32Array(expected);
    this.sizes = new Int32Array(expected);
    this.children = new Int32Array(expected);
    for (const type of SINGLETONS) this.add(type, 0, 0);
  }

  /** Adds an object; its id. */
  add(type: number, start: number, size: number): number {
    const id = this.count;
    if (id === this.types.length) this.#growObjects();
    this.types[id] = type;
    this.starts[id] = start;
    this.sizes[id] = size;
    this.count = id + 1;
    return id;
  }

  /** Makes room for `count` children side by side; index of the first in `children`. */
  reserve(count: number): number {
    const first = this.childCount;
    this.childCount = first + count;
    if (this.childCount > this.children.length) {
      const grown = new Int32Array(Math.max(this.childCount, this.children.length * 2));
      grown.set(this.children);
      this.children = grown;
    }
    return first;
  }

  type(id: number): number {
    return this.types[id] ?? Type.null;
  }

  start(id: number): number {
    return this.starts[id] ?? 0;
  }

  size(id: number): number {
    return this.sizes[id] ?? 0;
  }

  /** Id of the `index`th child; NULL when there is none. */
  child(id: number, index: number): number {
    return index < this.size(id) ? (this.children[this.start(id) + index] ?? NULL) : NULL;
  }

  isText(id: number): boolean {
    const type = this.type(id);
    return type === Type.unicode || type === Type.interned || this.isAscii(type);
  }

  isAscii(type: number): boolean {
    return (
      type === Type.ascii ||
      type === Type.asciiInterned ||
      type === Type.shortAscii ||
      type === Type.shortAsciiInterned
    );
  }

  isTuple(id: number): boolean {
    const type = this.type(id);
    return type === Type.tuple || type === Type.smallTuple;
  }

  #growObjects(): void {
    const capacity = this.types.length * 2;
    const types = new Uint8Array(capacity);
    const starts = new Int32Array(capacity);
    const sizes = new Int32Array(capacity);
    types.set(this.types);
    starts.set(this.starts);
    sizes.set(this.sizes);
    this.types = types;
    this.starts = starts;
    this.sizes = sizes;
  }
}
