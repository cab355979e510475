/** Reads a made-up process as the engine reads a dump. */
import { ModuleList, openMinidump } from "@faultline/minidump";
import { synthMinidump } from "@faultline/testkit";
import { ModuleMap, openSymbolCache } from "../../src/native/modules.ts";
import { type FoundPython, readPythonMemory } from "../../src/python-memory/python-memory.ts";
import type { Segment } from "./heap.ts";
import { MODULE_BASE, MODULE_BYTES } from "./process.ts";

export interface Wanted {
  readonly module?: string;
  readonly cpu?: string;
  readonly idents?: readonly bigint[];
}

/** Nobody has symbols: `_PyRuntime` is found in memory. */
export function readProcess(segments: readonly Segment[], wanted: Wanted = {}): FoundPython {
  const dump = synthMinidump();
  for (const segment of segments) dump.memory(segment);
  dump.module({ base: MODULE_BASE, size: MODULE_BYTES, name: wanted.module ?? "libpython3.so" });
  const opened = openMinidump(dump.finish());
  const modules = new ModuleMap(opened.stream(ModuleList) ?? []);
  const threads = (wanted.idents ?? []).map((ident, id) => ({ id, ident }));
  const reading = readPythonMemory(
    { memory: opened.memory, modules, cpu: wanted.cpu ?? "amd64", threads, minor: null },
    openSymbolCache,
  );
  let step = reading.next();
  while (step.done !== true) step = reading.next(new Map());
  return step.value;
}
