/**
 * Loads of names, and whether each is called: a name that a file uses for nothing but calls has no
 * alias in that file, and is handed to nobody who could call it back.
 */

export class Loads {
  /** By object id: 1 where some load of that name is used as a value. */
  readonly #asValue: Uint8Array;
  /** Loads of the code object at hand: id of the name, negative once it is called. */
  #names = new Int32Array(256);
  /** Site of the attribute that is loaded; -1 for other loads. */
  #sites = new Int32Array(256);
  #nextSite = -1;
  #count = 0;

  /** `objectCount`: one more than the highest id of a name. */
  constructor(objectCount: number) {
    this.#asValue = new Uint8Array(objectCount);
  }

  /** A code object of so many instructions is gone through next; each loads two names at most. */
  begin(instructions: number): void {
    if (2 * instructions <= this.#names.length) return;
    this.#names = new Int32Array(4 * instructions);
    this.#sites = new Int32Array(4 * instructions);
  }

  /** Number of a load, for as long as its code object is gone through. */
  add(name: number): number {
    const index = this.#count;
    this.#names[index] = name;
    this.#sites[index] = this.#nextSite;
    this.#nextSite = -1;
    this.#count = index + 1;
    return index;
  }

  /** The load that is added next is that of an attribute, which is this site. */
  setNextSite(site: number): void {
    this.#nextSite = site;
  }

  /** Site of an attribute's load, -1 for other loads. */
  site(load: number): number {
    return this.#sites[load]!;
  }

  name(load: number): number {
    return Math.abs(this.#names[load]!);
  }

  markCalled(load: number): void {
    this.#names[load] = -this.name(load);
  }

  markAsValue(load: number): void {
    this.#asValue[this.name(load)] = 1;
  }

  /** The end of a code object: what is not called by now is used as a value. */
  end(): void {
    for (let load = 0; load < this.#count; load++) {
      const name = this.#names[load]!;
      if (name > 0) this.#asValue[name] = 1;
    }
    this.#count = 0;
  }

  /** Whether some load of the name is used as a value. Ask when all code is seen. */
  isValue(name: number): boolean {
    return this.#asValue[name] === 1;
  }
}
