/**
 * multipart/form-data: one part after the other, as they arrive.
 *
 * RFC 2046, section 5.1.1 (boundaries), RFC 7578 (form-data). Own code because @fastify/multipart reads
 * the bare socket: a body that is compressed as a whole, which is how Crashpad sends by default, cannot
 * pass through it.
 * Left out: nested multipart, Content-Transfer-Encoding other than the identities (deprecated by RFC 7578, section 4.7).
 */
import { MAX_PART_HEADER_BYTES } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { readPartHead, type PartHead } from "./part-head.ts";

/** `body` must be read to its end before the next part is asked for; what is not read is skipped. */
export interface Part extends PartHead {
  readonly body: AsyncIterable<Buffer>;
}

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const DASH = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;

/** RFC 2046 says 70; some clients go beyond. */
const MAX_BOUNDARY_CHARS = 200;

/** `parameters`: of the Content-Type. Throws a Problem when the body breaks the grammar or ends before its closing boundary. */
export async function* readMultipart(
  source: AsyncIterable<Buffer>,
  parameters: ReadonlyMap<string, string>,
): AsyncGenerator<Part> {
  const boundary = parameters.get("boundary") ?? "";
  if (boundary === "" || boundary.length > MAX_BOUNDARY_CHARS) {
    throw new Problem(
      "bad-body",
      `Content-Type: multipart/form-data wants a boundary of 1 to ${MAX_BOUNDARY_CHARS} characters, found ${boundary.length}`,
    );
  }
  const input = new Window(source);
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  try {
    input.prepend(CRLF); // the first boundary may be the body's first bytes
    await skip(bodyBefore(input, delimiter));
    while (await opensPart(input)) {
      const head = readPartHead(await headBytes(input));
      const body = partBody(input, delimiter);
      yield { ...head, body };
      await skip(body);
    }
    await skip(input.rest());
  } finally {
    await input.close();
  }
}

async function skip(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of chunks);
}

/** The empty line's end before the body belongs to neither, or, when there is no body, to the delimiter (RFC 2046, body-part). */
async function* partBody(input: Window, delimiter: Buffer): AsyncGenerator<Buffer> {
  await input.atLeast(delimiter.length, "a boundary");
  if (!input.bytes.subarray(0, delimiter.length).equals(delimiter)) input.take(CRLF.length);
  yield* bodyBefore(input, delimiter);
}

/** What lies before the next delimiter; the delimiter is taken too. */
async function* bodyBefore(input: Window, delimiter: Buffer): AsyncGenerator<Buffer> {
  for (;;) {
    const at = input.bytes.indexOf(delimiter);
    if (at >= 0) {
      const last = input.take(at);
      input.take(delimiter.length);
      if (last.length > 0) yield last;
      return;
    }
    const sure = input.bytes.length - delimiter.length + 1;
    if (sure > 0) yield input.take(sure);
    await input.more("a boundary");
  }
}

/** After a delimiter: true when a part follows, false when it was the closing one. */
async function opensPart(input: Window): Promise<boolean> {
  await input.atLeast(2, "what follows a boundary");
  if (input.bytes[0] === DASH && input.bytes[1] === DASH) return false;
  // transport padding (RFC 2046): blanks that a gateway may have added
  for (let blanks = 0; input.bytes[0] === SPACE || input.bytes[0] === TAB; blanks++) {
    if (blanks > MAX_PART_HEADER_BYTES) throw broken(input, "a line end after a boundary");
    input.take(1);
    await input.atLeast(2, "what follows a boundary");
  }
  // The line end stays: a part without any headers has it directly before the empty line, and one
  // without a body may share it with the next delimiter.
  if (!input.bytes.subarray(0, 2).equals(CRLF)) throw broken(input, "a line end after a boundary");
  return true;
}

/** The header lines, each with its line end before it. The empty line's last line end stays: it may begin a delimiter. */
async function headBytes(input: Window): Promise<Buffer> {
  for (;;) {
    const end = input.bytes.indexOf(HEAD_END);
    if (end > MAX_PART_HEADER_BYTES || (end < 0 && input.bytes.length > MAX_PART_HEADER_BYTES)) {
      throw tooLarge("headers of a part", "MAX_PART_HEADER_BYTES", MAX_PART_HEADER_BYTES);
    }
    if (end >= 0) {
      const head = input.take(end);
      input.take(CRLF.length);
      return head;
    }
    await input.more("the end of a part's headers");
  }
}

function broken(input: Window, wanted: string): Problem {
  const found = JSON.stringify(input.bytes.subarray(0, 20).toString("latin1"));
  return new Problem(
    "bad-body",
    `multipart body at byte ${input.offset}: wanted ${wanted}, found ${found}`,
  );
}

/** The bytes that have arrived and are not taken yet. */
class Window {
  bytes: Buffer = Buffer.alloc(0);
  /** Of `bytes`, into the body. */
  offset = 0;
  readonly #source: AsyncIterator<Buffer>;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  prepend(bytes: Buffer): void {
    this.bytes = Buffer.concat([bytes, this.bytes]);
    this.offset -= bytes.length;
  }

  take(count: number): Buffer {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    this.offset += count;
    return taken;
  }

  async more(wanted: string): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) {
      throw new Problem(
        "bad-body",
        `multipart body: wanted ${wanted}, found the end at byte ${this.offset + this.bytes.length}`,
      );
    }
    this.bytes = this.bytes.length === 0 ? next.value : Buffer.concat([this.bytes, next.value]);
  }

  async atLeast(count: number, wanted: string): Promise<void> {
    while (this.bytes.length < count) await this.more(wanted);
  }

  async *rest(): AsyncGenerator<Buffer> {
    for (let next = await this.#source.next(); next.done !== true; next = await this.#source.next())
      yield next.value;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
