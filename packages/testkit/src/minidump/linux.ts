/** Streams of Linux. */
import type { Placer } from "./placer.ts";

/** MD_LINUX_*, of those that hold a file as it is. */
export const LINUX_STREAMS = {
  cpuinfo: 0x47670003,
  status: 0x47670004,
  lsbRelease: 0x47670005,
  cmdline: 0x47670006,
  environ: 0x47670007,
  auxv: 0x47670008,
  maps: 0x47670009,
} as const;

export interface SynthDsoDebug {
  readonly linkerBase: bigint;
  readonly dynamic: bigint;
  readonly objects: readonly {
    readonly bias: bigint;
    readonly path: string;
    readonly dynamic: bigint;
  }[];
}

/** `word`: bytes of an address; the records of 64 bits are padded. */
export function dsoDebug(out: Placer, word: 4 | 8, debug: SynthDsoDebug): Uint8Array {
  const padding = word === 8 ? 4 : 0;
  const map = out.writer();
  for (const { bias, path, dynamic } of debug.objects) {
    map.uint(bias, word).u32(out.utf16(path)).zeros(padding).uint(dynamic, word);
  }
  const { rva } = out.place(map.finish());
  const record = out.writer().u32(1, rva, debug.objects.length).zeros(padding);
  for (const value of [0n, debug.linkerBase, debug.dynamic]) record.uint(value, word);
  return record.finish();
}

export function auxv(
  out: Placer,
  word: 4 | 8,
  entries: readonly (readonly [number, bigint])[],
): Uint8Array {
  const record = out.writer();
  for (const [type, value] of [...entries, [0, 0n] as const]) {
    record.uint(type, word).uint(value, word);
  }
  return record.finish();
}
