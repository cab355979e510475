/**
 * Where `_PyRuntime` lies in a dump: by the symbols of the interpreter's module, by the cookie it
 * begins with (3.13 and later), or by what it leads to.
 *
 * Neither a section nor a symbol of a stripped, unmapped file shows in a dump. So where no symbols
 * came, what the dump holds of the module is looked through. Before 3.13 that needs the version,
 * and a word counts as `_PyRuntime`'s list of interpreters only if it leads to an interpreter, this
 * to a thread state, and this back to the interpreter and to a thread of the dump.
 */
import type { DumpMemory } from "@faultline/minidump";
import { MAX_RUNTIME_SCAN_BYTES } from "../limits.ts";
import type { LoadedModule } from "../native/modules.ts";
import { COOKIE } from "./debug-offsets.ts";
import type { Reading } from "./frames.ts";

/** Address of `_PyRuntime` by the symbols of the module; null without any. */
export function runtimeBySymbols({ base, cache }: LoadedModule): bigint | null {
  const place = cache?.info.pythonRuntime ?? null;
  return place === null ? null : base + BigInt(place.address);
}

/** Address of `_PyRuntime` by its cookie; null where the dump has none in the module. */
export function runtimeByCookie(module: LoadedModule, dump: DumpMemory): bigint | null {
  for (const [address, word] of wordsOf(module, dump)) {
    if (word === COOKIE) return address;
  }
  return null;
}

/** Whether the dump has a thread of that pthread_self() or system's id. */
export type IsThread = (ident: bigint, nativeId: bigint | null) => boolean;

/** Address of `_PyRuntime` by what it leads to. */
export function runtimeByContent(
  module: LoadedModule,
  dump: DumpMemory,
  { memory, layout }: Pick<Reading, "memory" | "layout">,
  isThread: IsThread,
): bigint | null {
  const { runtime, interpreter, thread } = layout;
  const at = (structure: bigint, offset: number): bigint =>
    memory.word(structure + BigInt(offset)) ?? 0n;
  for (const [address, word] of wordsOf(module, dump)) {
    if (word === 0n || word % 8n !== 0n) continue;
    const state = at(word, interpreter.threads);
    if (state === 0n || at(state, thread.interpreter) !== word) continue;
    const nativeId = thread.nativeId === null ? null : at(state, thread.nativeId);
    if (isThread(at(state, thread.ident), nativeId)) return address - BigInt(runtime.interpreters);
  }
  return null;
}

/** Aligned words of what the dump holds of the module, each with its address. */
function* wordsOf(
  { base, end }: LoadedModule,
  dump: DumpMemory,
): Generator<readonly [bigint, bigint]> {
  let left = MAX_RUNTIME_SCAN_BYTES;
  for (const { start, bytes } of dump.piecesIn(base, end)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = Number(-start & 7n); at + 8 <= bytes.length; at += 8) {
      if ((left -= 8) < 0) return;
      yield [start + BigInt(at), view.getBigUint64(at, true)];
    }
  }
}
