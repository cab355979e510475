/** A request's body as a bounded sequence of decompressed chunks, and files that were packed before they were sent. */
import type { IncomingMessage } from "node:http";
import { pipeline, type Duplex } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import { INLINE_BYTES } from "@faultline/shared";
import { DISCARD_MS, MAX_ZSTD_WINDOW_LOG } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { peek } from "./peek.ts";
import { cutZstdFrames } from "./zstd-frames.ts";

/** How much of a body is read, and the name of the number. */
export interface BodyLimit {
  readonly name: string;
  readonly bytes: number;
}

/** By content coding; each is told the first byte. */
const decoders: Readonly<Record<string, (first: number) => Duplex>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  // RFC 9110, section 8.4.1.2 says zlib (RFC 1950), but old clients send bare deflate data (RFC 1951).
  // The low nibble of every zlib stream is 8; a bare stream beginning so would be a stored block with
  // its padding bits set, which no compressor writes. Test: source.test.ts, "deflate of both kinds".
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () =>
    createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG } }),
};

/**
 * The body's bytes, decompressed. Throws a Problem when more than `limit` bytes arrive or come out of
 * the decompressor, or when the compressed data is damaged; a connection that ends early throws its own error.
 */
export function bodyOf(raw: IncomingMessage, limit: BodyLimit): AsyncIterable<Buffer> {
  const encoding = (raw.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const length = Number(raw.headers["content-length"] ?? Number.NaN);
  if (length > limit.bytes) throw tooLarge(`a body of ${length} bytes`, limit.name, limit.bytes);
  if (encoding === "identity" || encoding === "") {
    return length <= INLINE_BYTES ? small(raw) : bounded(chunksOf(raw), limit);
  }
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder === undefined) {
    throw new Problem("unsupported-encoding", `Content-Encoding: ${encoding.slice(0, 100)}`);
  }
  return bounded(decompressed(bounded(chunksOf(raw), limit), encoding, decoder), limit);
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A file that its sender packed with gzip or zstd, unpacked; any other as it is. Throws a Problem when it is damaged. */
export async function unpacked(file: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const { head, body } = await peek(file, ZSTD_MAGIC.length);
  const begins = (magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic);
  const encoding = begins(GZIP_MAGIC) ? "gzip" : begins(ZSTD_MAGIC) ? "zstd" : null;
  const decoder = encoding === null ? undefined : decoders[encoding];
  return encoding === null || decoder === undefined ? body : decompressed(body, encoding, decoder);
}

function decompressed(
  chunks: AsyncIterable<Buffer>,
  encoding: string,
  decoder: (first: number) => Duplex,
): AsyncIterable<Buffer> {
  return decoded(encoding === "zstd" ? cutZstdFrames(chunks) : chunks, decoder, encoding);
}

/** One chunk, read without a stream iterator's cost: nearly every crash comes this way. */
async function* small(raw: IncomingMessage): AsyncGenerator<Buffer> {
  yield await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    raw.on("data", (chunk: Buffer) => chunks.push(chunk));
    raw.once("end", () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    );
    raw.once("error", reject);
    raw.once("close", () => reject(new Error("the connection ended inside the body")));
  });
}

/** Ending the iteration early leaves the connection alone: an answer is still to go over it. */
const chunksOf = (raw: IncomingMessage): AsyncIterable<Buffer> =>
  raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

async function* bounded(chunks: AsyncIterable<Buffer>, limit: BodyLimit): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > limit.bytes) throw tooLarge("the body", limit.name, limit.bytes);
    yield chunk;
  }
}

async function* decoded(
  chunks: AsyncIterable<Buffer>,
  createDecoder: (first: number) => Duplex,
  encoding: string,
): AsyncGenerator<Buffer> {
  const { head, body } = await peek(chunks, 1);
  if (head.length === 0) return;
  const decoder = createDecoder(head[0] ?? 0);
  try {
    yield* pipeline(body, decoder, () => undefined) as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isDecoderError(error)) throw error;
    throw new Problem("bad-body", `${encoding} body: ${error.message}`, { cause: error });
  }
}

/** node:zlib: Z_DATA_ERROR, Z_BUF_ERROR (ends early), ERR__ERROR_FORMAT_…, ZSTD_error_…. */
const isDecoderError = (error: unknown): error is Error & { code: string } =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  /^(Z_|ERR_|ZSTD_)/.test(error.code) &&
  !error.code.startsWith("ERR_STREAM_");

/** Whether the request's last byte has arrived. */
export const isWhole = (raw: IncomingMessage): boolean => raw.complete || raw.readableEnded;

/**
 * Reads on and throws away what is left of a refused body, until it is over, the sender goes or time is up.
 * Whoever read it before may have left its listener there, which would keep it from flowing.
 */
export async function discardRest(raw: IncomingMessage): Promise<void> {
  if (isWhole(raw) || raw.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DISCARD_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    raw.once("end", done).once("error", done).once("close", done);
    raw.removeAllListeners("readable").resume();
  });
}
