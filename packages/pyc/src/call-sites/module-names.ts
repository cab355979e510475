/**
 * What a module's global names are bound to, as far as its own code tells.
 *
 * A name that every store in the file binds to a function defined there under that name, and that
 * nothing deletes, names that function: a call of it can enter nothing else. What other modules
 * write into this one cannot be seen here.
 */
import { RUNS_LATER } from "../code-object.ts";
import type { PycFile } from "../pyc-file.ts";
import { SiteKind } from "./kinds.ts";

/** What is known of a name: bound to a function of its own; to one that runs when called; to something else. */
const Bound = { own: 1, ownRunsAtOnce: 2, other: 4 } as const;

export class ModuleNames {
  readonly #file: PycFile;
  /** Bound, by id of the name. */
  readonly #bindings: Uint8Array;
  #hasStarImport = false;

  constructor(file: PycFile) {
    this.#file = file;
    this.#bindings = new Uint8Array(file.objects.count);
  }

  /** `made`: number of the code object of the function, -1 for anything else. */
  bind(name: number, made: number): void {
    const fields = this.#file.codes[made];
    let bound: number = Bound.other;
    if (fields !== undefined) {
      bound = (fields.flags & RUNS_LATER) === 0 ? Bound.own | Bound.ownRunsAtOnce : Bound.own;
    }
    this.#bindings[name] = this.#bindings[name]! | bound;
  }

  /** `from … import *` may bind any name. */
  bindAnything(): void {
    this.#hasStarImport = true;
  }

  /** What a call of the global name does; ask when all code is seen. */
  kindOfCall(name: number): number {
    const bound = this.#bindings[name]!;
    if (this.#hasStarImport || bound === 0 || (bound & Bound.other) !== 0) return SiteKind.call;
    return (bound & Bound.ownRunsAtOnce) === 0 ? SiteKind.creates : SiteKind.enters;
  }
}
