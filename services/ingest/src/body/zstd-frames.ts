/**
 * Zstandard data cut at the ends of its frames.
 *
 * RFC 8878, section 3.1. A file may be several frames (pzstd writes many), but node:zlib (24.21) ends its
 * output, without an error, at the end of a frame that is followed by more in the same chunk: what comes
 * behind is lost. Given frame by frame it goes on. Test: zstd-frames.test.ts, "several frames in one chunk".
 * Nothing is decompressed here: block headers tell the lengths. What is no frame passes through uncut,
 * for the decompressor to refuse.
 */

/** What the walk over a frame wants next: bytes to look at, or bytes to pass over. */
type Step = { readonly take: number } | { readonly pass: number };

const MAGIC = 0xfd2fb528;
/** Section 3.1.2: 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE = 0x184d2a50;
/** Section 3.1.1.2.2. */
const RLE_BLOCK = 1;
const CHECKSUM_BYTES = 4;

/** Bytes of the frame header behind its descriptor; section 3.1.1.1.1. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  return (isSingleSegment ? 0 : 1) + dictionaryId + contentSize;
}

/** Ends where the frame does. */
function* walkFrame(): Generator<Step, void, Buffer> {
  const magic = (yield { take: 4 }).readUInt32LE();
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    yield { pass: (yield { take: 4 }).readUInt32LE() };
    return;
  }
  if (magic !== MAGIC) {
    yield { pass: Number.POSITIVE_INFINITY };
    return;
  }
  const descriptor = (yield { take: 1 }).readUInt8();
  yield { pass: headerBytes(descriptor) };
  for (let isLast = false; !isLast;) {
    const header = (yield { take: 3 }).readUIntLE(0, 3);
    isLast = (header & 1) === 1;
    const isRle = ((header >> 1) & 3) === RLE_BLOCK;
    yield { pass: isRle ? 1 : header >> 3 };
  }
  if ((descriptor & 4) !== 0) yield { pass: CHECKSUM_BYTES };
}

/** The same bytes; no chunk goes on behind the end of a frame. */
export async function* cutZstdFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk = new Walk();
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0;) {
      const length = walk.inFrame(rest);
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }
}

/** Where in a frame we are, between chunks. */
class Walk {
  #frame = walkFrame();
  #step: Step = this.#begin();
  /** Bytes of the present step: those taken so far, or how many were passed. */
  #taken: Buffer = Buffer.alloc(0);
  #passed = 0;

  /** How many of these bytes belong to the present frame; goes on behind them. At least 1. */
  inFrame(bytes: Buffer): number {
    for (let at = 0; ;) {
      const ended = this.#finishSteps();
      if (ended && at > 0) return at;
      if (at === bytes.length) return at;
      at += this.#consume(bytes.subarray(at));
    }
  }

  #consume(bytes: Buffer): number {
    if ("pass" in this.#step) {
      const count = Math.min(this.#step.pass - this.#passed, bytes.length);
      this.#passed += count;
      return count;
    }
    const count = Math.min(this.#step.take - this.#taken.length, bytes.length);
    this.#taken = Buffer.concat([this.#taken, bytes.subarray(0, count)]);
    return count;
  }

  /** Moves past the steps that have all their bytes; true when that was the end of a frame. */
  #finishSteps(): boolean {
    let ended = false;
    while (this.#isDone()) {
      const next = this.#frame.next(this.#taken);
      this.#taken = Buffer.alloc(0);
      this.#passed = 0;
      ended = next.done === true;
      this.#step = next.done === true ? this.#begin() : next.value;
    }
    return ended;
  }

  #isDone(): boolean {
    return "pass" in this.#step
      ? this.#passed >= this.#step.pass
      : this.#taken.length >= this.#step.take;
  }

  #begin(): Step {
    this.#frame = walkFrame();
    const first = this.#frame.next(Buffer.alloc(0));
    return first.done === true ? { pass: 0 } : first.value;
  }
}
