/** Looks for `_PyRuntime` where it may lie, and remembers why a place was none. */
import type { Gap } from "@faultline/shared";
import { gap } from "../gaps.ts";
import { hex } from "../hex.ts";
import { minorOfFile } from "../interpreter-file.ts";
import type { LoadedModule } from "../native/modules.ts";
import { CodeObjects } from "./code-objects.ts";
import { describedLayout, type Refused } from "./debug-offsets.ts";
import { fixedLayouts } from "./fixed-layouts.ts";
import type { Reading } from "./frames.ts";
import type { Layout } from "./layout.ts";
import { ProcessMemory } from "./process-memory.ts";
import type { DumpedProcess } from "./python-memory.ts";
import { type IsThread, runtimeByContent, runtimeByCookie, runtimeBySymbols } from "./runtime.ts";
import { fits } from "./threads.ts";

/** Where `_PyRuntime` lies, and how to read what it leads to. */
export interface Place {
  readonly runtime: bigint;
  readonly reading: Reading;
}

export class Search {
  readonly #dumped: DumpedProcess;
  #why: string | null = null;

  constructor(dumped: DumpedProcess) {
    this.#dumped = dumped;
  }

  bySymbols(modules: readonly LoadedModule[]): Place | null {
    return firstOf(modules, (module) => this.#at(module, runtimeBySymbols(module)));
  }

  byMemory(modules: readonly LoadedModule[]): Place | null {
    const { memory } = this.#dumped;
    return (
      firstOf(modules, (module) => this.#at(module, runtimeByCookie(module, memory))) ??
      firstOf(modules, (module) => this.#at(module, this.#byContent(module)))
    );
  }

  /** After both of these. */
  failure(interpreters: readonly LoadedModule[]): Gap {
    const { name, buildId } = interpreters[0]!.identity;
    const id = buildId === null ? "" : ` (build id ${buildId})`;
    const unknown = `Where ${name}${id} keeps its state is not known, and the dump does not show it: upload its symbols.`;
    return gap(
      "no-python-memory",
      `${this.#why ?? unknown} Python frames are not read from memory.`,
    );
  }

  /** Null where nothing can be read at `runtime`. */
  #at(module: LoadedModule, runtime: bigint | null): Place | null {
    if (runtime === null) return null;
    const place = `_PyRuntime of ${module.identity.name} at ${hex(runtime)}`;
    const memory = this.#fresh();
    const layout = this.#layoutAt(module, memory, runtime);
    if ("refused" in layout) {
      this.#why ??= `${place}: ${layout.refused}.`;
      return null;
    }
    const reading = { memory, layout, codes: new CodeObjects(memory, layout) };
    if (!fits(reading, runtime)) {
      const held = memory.word(runtime + BigInt(layout.runtime.interpreters)) !== null;
      this.#why ??= held
        ? `${place} leads to no thread: Python is not running, or is another build than the releases of 3.${layout.minor}.`
        : `${place} is not in the dump: it was taken without the data of modules.`;
      return null;
    }
    return { runtime, reading };
  }

  #byContent(module: LoadedModule): bigint | null {
    const layout = this.#fixedLayout(module);
    if (layout === undefined || !this.#is64Bit) return null;
    const { memory, threads } = this.#dumped;
    const idents = new Set(threads.map(({ ident }) => ident));
    const ids = new Set(threads.map(({ id }) => BigInt(id)));
    const isThread: IsThread = (ident, nativeId) =>
      idents.has(ident) || (nativeId !== null && ids.has(nativeId));
    return runtimeByContent(module, memory, { memory: this.#fresh(), layout }, isThread);
  }

  #layoutAt(module: LoadedModule, memory: ProcessMemory, runtime: bigint): Layout | Refused {
    if (!this.#is64Bit) return { refused: `layouts of ${this.#dumped.cpu} are not known here` };
    const described = describedLayout(memory, runtime);
    if (described !== null) return described;
    return this.#fixedLayout(module) ?? { refused: "its version of Python is not known here" };
  }

  #fixedLayout({ identity }: LoadedModule): Layout | undefined {
    return fixedLayouts.get(minorOfFile(identity.name) ?? this.#dumped.minor ?? -1);
  }

  get #is64Bit(): boolean {
    return this.#dumped.cpu !== "x86" && this.#dumped.cpu !== "arm";
  }

  /** Each attempt has a budget of its own. */
  #fresh(): ProcessMemory {
    return new ProcessMemory(this.#dumped.memory);
  }
}

function firstOf<Item, Result>(
  items: readonly Item[],
  find: (item: Item) => Result | null,
): Result | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}
