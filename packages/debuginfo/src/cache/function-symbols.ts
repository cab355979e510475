/** Function symbols of an object by address, and how names are shown. */
import type { CacheModel } from "./model.ts";

/** One function of a symbol table. */
export interface FunctionSymbol {
  readonly address: number;
  /** 0 unknown: it reaches to the next. */
  readonly size: number;
  readonly name: string;
}

/** Turns a linkage name into what its author wrote; names it does not know come back as they are. */
export type Demangle = (linkageName: string) => string;

export class FunctionSymbols {
  /** By address, one a start. */
  readonly symbols: readonly FunctionSymbol[];
  private readonly byStart: ReadonlyMap<number, string>;
  private readonly demangle: Demangle;

  constructor(symbols: readonly FunctionSymbol[], demangle: Demangle) {
    this.symbols = symbols;
    this.byStart = new Map(symbols.map((symbol) => [symbol.address, symbol.name]));
    this.demangle = demangle;
  }

  /**
   * The linkage name of a function at `address` that the debug information calls `name` and `linkageName`. The symbol table
   * knows what the compiler made of it (`.part.0`, `.cold`), and the name itself where the debug information leaves it out.
   *
   * Folklore: a function may have several symbols, and which of them stands at its start is chance: glibc's raise is `raise`,
   * `gsignal` and `__GI_raise`. The debug information has one name for it, which gdb and addr2line print, too.
   * Test: function-symbols.test.ts, "of several symbols the debug information's name".
   */
  linkageNameAt(address: number, name: string | null, linkageName: string | null): string | null {
    const symbol = this.byStart.get(address);
    if (symbol === undefined) return linkageName;
    const own = linkageName ?? name;
    if (own === null || symbol === own || symbol.startsWith(`${own}.`)) return symbol;
    return linkageName === null && this.demangle(symbol) !== symbol ? symbol : linkageName;
  }

  /** Id of a function in the model. */
  functionId(model: CacheModel, name: string | null, linkageName: string | null): number {
    if (linkageName === null) return model.function(name ?? "", null);
    const shown = this.demangle(linkageName);
    return model.function(shown, linkageName);
  }
}
