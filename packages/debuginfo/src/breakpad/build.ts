/** Builds the symbol cache of a Breakpad `.sym` file. Its addresses count from the module's load address. */
import { fillGaps } from "../cache/fill-gaps.ts";
import { type Demangle, type FunctionSymbol, FunctionSymbols } from "../cache/function-symbols.ts";
import { CacheModel } from "../cache/model.ts";
import { RowSink } from "../cache/row-sink.ts";
import { RowEncoder, writeCache } from "../cache/writer.ts";
import { UnwindTable } from "../unwind/unwind-table.ts";
import { Fields } from "./fields.ts";
import { elfBuildId, readModule } from "./module-record.ts";
import { StackRecords } from "./stack-records.ts";
import { SymReader } from "./sym-reader.ts";

/** How far the last PUBLIC reaches when no record tells where the code ends. */
const LAST_PUBLIC_BYTES = 4096;

/**
 * Returns the cache's bytes. Lines that cannot be read are told in the cache's gaps; throws DebugInfoError
 * `bad-breakpad` when the first line is not MODULE.
 */
export function buildBreakpadCache(
  bytes: Uint8Array,
  demangle: Demangle,
  progress: (mebibytesDone: number, mebibytesTotal: number) => void = () => undefined,
): Uint8Array {
  const module = readModule(bytes);
  const model = new CacheModel();
  const sink = new RowSink();
  const unwind = new UnwindTable(0, bytes.length);
  const stack = new StackRecords(module.machine, unwind);
  const reader = new SymReader(new Fields(bytes), model, sink, stack, demangle);
  reader.readRecords(module.next, progress);
  const symbols = new FunctionSymbols(publicSymbols(reader), demangle);
  const rows = new RowEncoder(0);
  fillGaps(sink, symbols, reader.orphanLines(), reader.codeEnd, model, rows);
  return writeCache(model, rows, unwind, {
    buildId: elfBuildId(module.os, reader.codeId),
    debugId: module.debugId,
    machine: module.machine,
    loadBase: 0,
    sources: ["breakpad"],
    unwind: [...stack.sources],
    pythonRuntime: null,
    gaps: reader.allGaps(),
  });
}

/** A PUBLIC reaches to the next one or to the next function, whichever comes first: what lies behind a function is not its. */
function publicSymbols({ publics, starts, codeEnd }: SymReader): readonly FunctionSymbol[] {
  const byStart = Float64Array.from(starts).sort();
  const byAddress = [...publics].sort((a, b) => a.address - b.address);
  const symbols: FunctionSymbol[] = [];
  let next = 0;
  byAddress.forEach(({ address, name }, index) => {
    if (index > 0 && byAddress[index - 1]?.address === address) return;
    while (next < byStart.length && (byStart[next] as number) <= address) next += 1;
    const end = Math.min(
      byStart[next] ?? Math.max(codeEnd, address + LAST_PUBLIC_BYTES),
      nextAddress(byAddress, index),
    );
    symbols.push({ address, size: end - address, name });
  });
  return symbols;
}

function nextAddress(symbols: readonly FunctionSymbol[], index: number): number {
  const address = symbols[index]?.address;
  let next = index + 1;
  while (symbols[next]?.address === address) next += 1;
  return symbols[next]?.address ?? Number.MAX_SAFE_INTEGER;
}
