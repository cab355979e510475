import { createServer, request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, discardRest } from "../src/body/source.ts";
import { Problem } from "../src/problem.ts";

const limit = { name: "MAX_TEST_BYTES", bytes: 1_000_000 };

type Outcome = { readonly bytes: Buffer } | { readonly error: unknown; readonly most: number };

/** Reads every request's body and keeps what came of it. */
let outcome: Promise<Outcome>;
const server = createServer((message, response) => {
  outcome = readAll(message).then(async (found) => {
    await discardRest(message);
    response.end();
    return found;
  });
});

async function readAll(message: IncomingMessage): Promise<Outcome> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of bodyOf(message, limit)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks) };
  } catch (error) {
    return { error, most: Buffer.concat(chunks).length };
  }
}

beforeAll(() => once(server.listen(0, "127.0.0.1"), "listening"));
afterAll(() => void server.close());

/** Sends a body in pieces, without a Content-Length when `length` is null, and answers with what was read of it. */
async function send(
  pieces: readonly Buffer[],
  encoding: string | null,
  length: number | null = null,
): Promise<Outcome> {
  const { port } = server.address() as AddressInfo;
  const headers = {
    ...(encoding === null ? {} : { "content-encoding": encoding }),
    ...(length === null ? { "transfer-encoding": "chunked" } : { "content-length": length }),
  };
  const call = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false });
  for (const piece of pieces) call.write(piece);
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return await outcome;
}

const text = Buffer.from("a dump, a dump, a dump\n".repeat(1_000));
const frames = [text.subarray(0, 5_000), text.subarray(5_000)].map((half) =>
  zstdCompressSync(half),
);
const packed: readonly (readonly [string, Buffer])[] = [
  ["gzip", gzipSync(text)],
  ["x-gzip", gzipSync(text)],
  ["GZIP", gzipSync(text)],
  ["deflate", deflateSync(text)],
  ["deflate", deflateRawSync(text)],
  ["br", brotliCompressSync(text)],
  ["zstd", zstdCompressSync(text)],
  ["zstd", Buffer.concat(frames)],
  ["gzip", Buffer.concat([gzipSync(text.subarray(0, 7)), gzipSync(text.subarray(7))])],
  ["identity", text],
];

test.each(packed)(
  "%s, deflate of both kinds, with and without a length",
  async (encoding, bytes) => {
    expect(await send([bytes], encoding)).toEqual({ bytes: text });
    expect(await send([bytes], encoding, bytes.length)).toEqual({ bytes: text });
    const pieces = Array.from({ length: 10 }, (_, at) =>
      bytes.subarray(
        Math.floor((bytes.length * at) / 10),
        Math.floor((bytes.length * (at + 1)) / 10),
      ),
    );
    expect(await send(pieces, encoding)).toEqual({ bytes: text });
  },
);

test.each(packed.slice(3, 7))("%s cut short anywhere is refused", async (encoding, bytes) => {
  for (let length = 1; length < bytes.length; length += 1) {
    const found = await send([bytes.subarray(0, length)], encoding, length);
    expect(found, `cut at byte ${length}`).toMatchObject({ error: { code: "bad-body" } });
  }
});

test("gzip cut short anywhere is refused", async () => {
  const bytes = gzipSync(text);
  for (let length = 1; length < bytes.length; length++) {
    const found = await send([bytes.subarray(0, length)], "gzip", length);
    expect(found, `cut at byte ${length}`).toMatchObject({ error: { code: "bad-body" } });
  }
});

test.each([
  ["gzip", gzipSync(Buffer.alloc(200_000_000))],
  [
    "br",
    brotliCompressSync(Buffer.alloc(200_000_000), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
    }),
  ],
  ["zstd", zstdCompressSync(Buffer.alloc(200_000_000))],
])("a %s bomb stops at the limit", async (encoding, bytes) => {
  const found = await send([bytes], encoding, bytes.length);
  expect(found).toMatchObject({
    error: { code: "too-large", message: expect.stringContaining("MAX_TEST_BYTES") },
  });
  expect("most" in found && found.most).toBeLessThanOrEqual(limit.bytes);
});

test("a compressed body that never yields a byte stops at the limit too", async () => {
  // RFC 8878, section 3.1.2: a skippable frame
  const frame = Buffer.alloc(8 + 60_000);
  frame.writeUInt32LE(0x184d2a50, 0);
  frame.writeUInt32LE(60_000, 4);
  const found = await send(
    Array.from({ length: 30 }, () => frame),
    "zstd",
  );
  expect(found).toMatchObject({ error: { code: "too-large" } });
});

test("a zstd window beyond what we lend is refused", async () => {
  const wide = zstdCompressSync(Buffer.alloc(900_000, "x"), {
    params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
    pledgedSrcSize: undefined,
  });
  const header = Buffer.from(wide);
  header.writeUInt8(0x88, 5); // window descriptor of 2^27 bytes (RFC 8878, section 3.1.1.1.2)
  expect(await send([header], "zstd", header.length)).toMatchObject({
    error: { code: "bad-body" },
  });
});

test("a body over the limit, announced or not", async () => {
  const large = Buffer.alloc(limit.bytes + 1);
  expect(await send([large], null, large.length)).toMatchObject({
    error: { code: "too-large" },
    most: 0,
  });
  expect(await send([large], null)).toMatchObject({ error: { code: "too-large" } });
  expect(await send([large.subarray(1)], null)).toMatchObject({ bytes: large.subarray(1) });
});

test("encodings that are none of ours", async () => {
  for (const encoding of ["compress", "gzip, gzip", "constructor", "x".repeat(300)]) {
    expect(await send([text], encoding)).toMatchObject({ error: { code: "unsupported-encoding" } });
  }
});

test("a connection that ends inside the body is no Problem of the client's making", async () => {
  const { port } = server.address() as AddressInfo;
  for (const headers of [
    { "content-length": 100 },
    { "content-length": 900_000 },
    { "transfer-encoding": "chunked" },
  ]) {
    outcome = Promise.resolve({ bytes: Buffer.alloc(0) });
    const arrived = once(server, "request");
    const call = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false });
    call.on("error", () => undefined);
    call.write("half");
    await arrived;
    call.destroy();
    const found = await outcome;
    expect("error" in found && found.error).toBeInstanceOf(Error);
    expect("error" in found && found.error).not.toBeInstanceOf(Problem);
  }
});
