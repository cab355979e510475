/**
 * Tells a log that holds a dump of faulthandler's from other files, while it streams by.
 *
 * Every dump of its threads says "most recent call first" (Python's own tracebacks say "last"), and a fatal
 * error before there are threads says "Fatal Python error" (CPython, Python/traceback.c and Python/pylifecycle.c).
 */
const SIGNS = ["(most recent call first):", "Fatal Python error: "].map((sign) =>
  Buffer.from(sign),
);
/** A sign may lie across the end of a chunk. */
const KEPT_BYTES = Math.max(...SIGNS.map((sign) => sign.length)) - 1;

export class TextSign {
  seen = false;
  #tail: Buffer = Buffer.alloc(0);

  look(chunk: Buffer): void {
    if (this.seen) return;
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, KEPT_BYTES)]);
    this.seen = SIGNS.some((sign) => seam.includes(sign) || chunk.includes(sign));
    this.#tail = Buffer.from(
      chunk.length < KEPT_BYTES
        ? seam.subarray(-KEPT_BYTES)
        : chunk.subarray(chunk.length - KEPT_BYTES),
    );
  }
}
