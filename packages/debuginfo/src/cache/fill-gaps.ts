/** What DWARF leaves open is filled from the symbol table: names, and lines of code that belongs to no function entry (assembly). */
import { type LineTable, rowFrom } from "../dwarf/line-table.ts";
import { addLines } from "./flatten.ts";
import type { FunctionSymbol, FunctionSymbols } from "./function-symbols.ts";
import type { CacheModel } from "./model.ts";
import type { RowSink, RowTarget } from "./row-sink.ts";

/** Hands rows and what fills their gaps to `target`, by address. `codeEnd`: where a last symbol without a size stops. */
export function fillGaps(
  rows: RowSink,
  symbols: FunctionSymbols,
  lines: LineTable,
  codeEnd: number,
  model: CacheModel,
  target: RowTarget,
): void {
  const all = symbols.symbols;
  const unnamed = model.rootScope(model.function("", null));
  let next = 0;
  let end = 0;
  const fill = (from: number, to: number): void => {
    let open = from;
    while (next < all.length && symbolEnd(all, next, codeEnd) <= from) next += 1;
    for (let at = next; at < all.length && (all[at] as FunctionSymbol).address < to; at += 1) {
      const symbol = all[at] as FunctionSymbol;
      const start = Math.max(open, symbol.address);
      const stop = Math.min(to, symbolEnd(all, at, codeEnd));
      if (stop <= start) continue;
      addNamelessLines(open, start, lines, unnamed, target);
      const id = symbols.functionId(model, symbol.name, symbol.name);
      addLines(start, stop, model.rootScope(id), lines, target);
      open = stop;
    }
    addNamelessLines(open, to, lines, unnamed, target);
  };
  rows.forEach((start, stop, scope, file, line, column) => {
    if (start > end) fill(end, start);
    if (stop <= end) return;
    target.add(Math.max(start, end), stop, scope, file, line, column);
    end = stop;
  });
  fill(end, Number.MAX_SAFE_INTEGER);
}

/** Lines of code that no function covers: padding behind a function, mostly. */
function addNamelessLines(
  from: number,
  to: number,
  lines: LineTable,
  unnamed: number,
  target: RowTarget,
): void {
  for (
    let row = rowFrom(lines, from);
    row < lines.count && (lines.starts[row] as number) < to;
    row += 1
  ) {
    addLines(
      Math.max(from, lines.starts[row] as number),
      Math.min(to, lines.ends[row] as number),
      unnamed,
      lines,
      target,
    );
  }
}

/** A symbol reaches as far as its size says, one without a size to the next. */
function symbolEnd(all: readonly FunctionSymbol[], at: number, codeEnd: number): number {
  const { address, size } = all[at] as FunctionSymbol;
  const next = all[at + 1]?.address ?? Math.max(codeEnd, address);
  return size > 0 ? Math.min(address + size, next) : next;
}
