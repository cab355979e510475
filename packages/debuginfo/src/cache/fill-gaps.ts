/** What DWARF leaves open is filled from the symbol table: names, and lines of code that belongs to no function entry (assembly). */
import { type LineTable, rowFrom } from "../dwarf/line-table.ts";
import { addLines } from "./flatten.ts";
import type { FunctionSymbol, FunctionSymbols } from "./function-symbols.ts";
import type { CacheModel } from "./model.ts";
import { type RowColumns, RowSink } from "./row-sink.ts";

/** `codeEnd`: where a last symbol without a size stops. Rows by start; the result too. */
export function fillGaps(
  rows: RowColumns,
  symbols: FunctionSymbols,
  lines: LineTable,
  codeEnd: number,
  model: CacheModel,
): RowColumns {
  const sink = new RowSink();
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
      addNamelessLines(open, start, lines, unnamed, sink);
      addLines(
        start,
        stop,
        model.rootScope(symbols.functionId(model, symbol.name, symbol.name)),
        lines,
        sink,
      );
      open = stop;
    }
    addNamelessLines(open, to, lines, unnamed, sink);
  };
  for (let at = 0; at < rows.count; at += 1) {
    const start = rows.starts[at] as number;
    const stop = rows.ends[at] as number;
    if (start > end) fill(end, start);
    if (stop <= end) continue;
    sink.add(
      Math.max(start, end),
      stop,
      rows.scopes[at] as number,
      rows.files[at] as number,
      rows.lines[at] as number,
      rows.columns[at] as number,
    );
    end = stop;
  }
  fill(end, Number.MAX_SAFE_INTEGER);
  return sink.sorted();
}

/** Lines of code that no function covers: padding behind a function, mostly. */
function addNamelessLines(
  from: number,
  to: number,
  lines: LineTable,
  unnamed: number,
  sink: RowSink,
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
      sink,
    );
  }
}

/** A symbol reaches as far as its size says, one without a size to the next. */
function symbolEnd(all: readonly FunctionSymbol[], at: number, codeEnd: number): number {
  const { address, size } = all[at] as FunctionSymbol;
  const next = all[at + 1]?.address ?? Math.max(codeEnd, address);
  return size > 0 ? Math.min(address + size, next) : next;
}
