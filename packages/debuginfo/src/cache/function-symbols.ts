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

  nameAt(address: number): string | null {
    return this.byStart.get(address) ?? null;
  }

  /** Id of a function in the model. */
  functionId(model: CacheModel, name: string | null, linkageName: string | null): number {
    if (linkageName === null) return model.function(name ?? "", null);
    const shown = this.demangle(linkageName);
    return model.function(shown, linkageName);
  }
}
