/**
 * Loads of names, and whether each is called: a name that a file uses for nothing but calls has no
 * alias in that file, and is handed to nobody who could call it back.
 */
import type { PycFile } from "../pyc-file.ts";

export class Loads {
  readonly #file: PycFile;
  /** By object id: 1 where some load of that name is used as a value. */
  readonly #asValue: Uint8Array;
  /** Loads of the code object at hand: id of the name, and 1 once it is called. */
  #names = new Int32Array(256);
  #called = new Uint8Array(256);
  #count = 0;
  #texts: Set<string> | null = null;

  constructor(file: PycFile) {
    this.#file = file;
    this.#asValue = new Uint8Array(file.objects.count);
  }

  /** Number of a load, for as long as its code object is gone through. */
  add(name: number): number {
    const index = this.#count;
    if (index === this.#names.length) this.#grow();
    this.#names[index] = name;
    this.#called[index] = 0;
    this.#count = index + 1;
    return index;
  }

  name(load: number): number {
    return this.#names[load]!;
  }

  markCalled(load: number): void {
    this.#called[load] = 1;
  }

  markAsValue(load: number): void {
    this.#asValue[this.#names[load]!] = 1;
  }

  /** The end of a code object: what is not called by now is used as a value. */
  end(): void {
    for (let load = 0; load < this.#count; load++) {
      if (this.#called[load] === 0) this.#asValue[this.#names[load]!] = 1;
    }
    this.#count = 0;
  }

  /** Whether the text is the name of some load that is used as a value. Ask when all code is seen. */
  isValue(text: string): boolean {
    // Two objects may have one text: a file written without references repeats its names.
    this.#texts ??= this.#textsOfValues();
    return this.#texts.has(text);
  }

  #textsOfValues(): Set<string> {
    const texts = new Set<string>();
    this.#asValue.forEach((isValue, id) => {
      if (isValue === 1 && id !== 0) texts.add(this.#file.text(id));
    });
    return texts;
  }

  #grow(): void {
    const names = new Int32Array(this.#names.length * 2);
    const called = new Uint8Array(names.length);
    names.set(this.#names);
    called.set(this.#called);
    this.#names = names;
    this.#called = called;
  }
}
