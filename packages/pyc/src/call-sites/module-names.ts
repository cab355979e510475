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

interface Binding {
  /** Some store binds it to something else. */
  isOther: boolean;
  /** Every function that it is bound to makes a generator or coroutine when called. */
  runsLater: boolean;
}

export class ModuleNames {
  readonly #file: PycFile;
  readonly #bindings = new Map<string, Binding>();
  #hasStarImport = false;

  constructor(file: PycFile) {
    this.#file = file;
  }

  /** `made`: number of the code object of the function, -1 for anything else. */
  bind(name: number, made: number): void {
    const text = this.#file.text(name);
    let binding = this.#bindings.get(text);
    if (binding === undefined) {
      binding = { isOther: false, runsLater: true };
      this.#bindings.set(text, binding);
    }
    const fields = this.#file.codes[made];
    if (fields === undefined) binding.isOther = true;
    else binding.runsLater &&= (fields.flags & RUNS_LATER) !== 0;
  }

  /** `from … import *` may bind any name. */
  bindAnything(): void {
    this.#hasStarImport = true;
  }

  /** What a call of the global name does; ask when all code is seen. */
  kindOfCall(name: string): number {
    const binding = this.#hasStarImport ? undefined : this.#bindings.get(name);
    if (binding === undefined || binding.isOther) return SiteKind.call;
    return binding.runsLater ? SiteKind.creates : SiteKind.enters;
  }
}
