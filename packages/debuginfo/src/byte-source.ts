/** Random access to a file's bytes: the one thing this package asks for. It never opens anything itself. */
import { DebugInfoError, hex } from "./error.ts";

export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** The bytes at [offset, offset + length), all of them; the caller checks the range with `readRange`. */
  read(offset: number, length: number): Uint8Array;
}

/** A file that is in memory already. */
export const bytesSource = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
});

/** Throws `truncated` naming `what` when the range does not lie in the file. */
export function readRange(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Uint8Array {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > source.size) {
    const have = Math.max(0, source.size - offset);
    throw new DebugInfoError(
      "truncated",
      `${what}: need ${length} bytes at ${hex(offset)}, have ${have}`,
    );
  }
  return source.read(offset, length);
}
