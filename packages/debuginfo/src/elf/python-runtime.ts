/**
 * Where CPython keeps its state: `_PyRuntime`, since 3.10 in a section of its own (Include/internal/pycore_runtime.h,
 * "GENERATE_DEBUG_SECTION"), so that it is found in stripped files too; before, by its symbol.
 */
import type { ElfFile } from "./elf-file.ts";
import { dataSymbol } from "./symbols.ts";

const SECTION = ".PyRuntime";
const SYMBOL = "_PyRuntime";

export interface Variable {
  /** Virtual address. */
  readonly address: number;
  /** In bytes. */
  readonly size: number;
}

/** Null when none of the files, those of one object, has it. Throws DebugInfoError `truncated`. */
export function pythonRuntime(files: readonly ElfFile[]): Variable | null {
  for (const elf of files) {
    const section = elf.sections.find(({ name, address }) => name === SECTION && address > 0);
    if (section !== undefined) return { address: section.address, size: section.size };
  }
  for (const elf of files)
    for (const table of ["symtab", "dynsym"] as const) {
      const found = dataSymbol(elf, table, SYMBOL);
      if (found !== null) return found;
    }
  return null;
}
