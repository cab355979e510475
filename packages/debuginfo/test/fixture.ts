/** The fixtures (see fixtures/make.sh) and a cache built of one, in memory. */
import { readFileSync } from "node:fs";
import { demangle } from "../../symbols/src/demangle.ts";
import {
  buildCache,
  bytesSource,
  type ElfFile,
  openCache,
  openElf,
  openSplit,
  type SymbolCache,
} from "../src/index.ts";

export const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url));

export const elfOf = (bytes: Uint8Array): ElfFile => openElf(bytesSource(bytes));

export const cacheBytes = (
  object: Uint8Array,
  debug: Uint8Array | null = null,
  split: readonly Uint8Array[] = [],
): Uint8Array =>
  buildCache(
    {
      object: elfOf(object),
      debug: debug === null ? null : elfOf(debug),
      supplementary: null,
      split: split.flatMap((bytes) => openSplit(bytesSource(bytes))),
      miniDebugInfo: null,
    },
    demangle,
  );

export const cacheOf = (
  object: Uint8Array,
  debug: Uint8Array | null = null,
  split: readonly Uint8Array[] = [],
): SymbolCache => openCache(cacheBytes(object, debug, split));

/** [function, file, line] of each frame, innermost first. */
export const answers = (
  cache: SymbolCache,
  address: number,
): readonly (string | number | null)[][] =>
  cache
    .frames(address - cache.info.loadBase)
    .map(({ function: name, file, line }) => [name, file, line]);
