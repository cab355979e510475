import { Readable } from "node:stream";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { cutZstdFrames } from "../src/body/zstd-frames.ts";

const compress = (text: string, params: Record<number, number> = {}): Buffer =>
  zstdCompressSync(Buffer.from(text), { params });

/** RFC 8878, section 3.1.2. */
function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(8 + bytes, 0xfd);
  frame.writeUInt32LE(0x184d2a57, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
}

const frames = [
  compress("hello "),
  compress("checked ", { [constants.ZSTD_c_checksumFlag]: 1 }),
  compress(""),
  skippable(0),
  compress("x".repeat(300_000)), // run-length blocks
  skippable(1_000),
  compress(Array.from({ length: 50_000 }, (_, at) => (at * 7919) % 977).join()), // several blocks
  compress("end", { [constants.ZSTD_c_contentSizeFlag]: 0 }),
];
const whole = Buffer.concat(frames);

async function cut(bytes: Buffer, size: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const cuts: Buffer[] = [];
  for await (const piece of cutZstdFrames(Readable.from(chunks))) cuts.push(piece);
  return cuts;
}

test("several frames in one chunk come out one by one", async () => {
  const pieces = await cut(whole, whole.length);
  expect(pieces.map((piece) => piece.length)).toEqual(frames.map((frame) => frame.length));
  for (const frame of pieces) zstdDecompressSync(frame);
});

test("in chunks of any size, the same bytes, and a cut at every frame's end", async () => {
  const ends = new Set<number>();
  frames.reduce((at, frame) => (ends.add(at + frame.length), at + frame.length), 0);
  for (const size of [1, 2, 3, 5, 17, 1_000, 64 * 1024]) {
    const pieces = await cut(whole, size);
    expect(Buffer.concat(pieces).equals(whole), `chunks of ${size}`).toBe(true);
    const cuts = new Set<number>();
    pieces.reduce((at, piece) => (cuts.add(at + piece.length), at + piece.length), 0);
    expect(
      [...ends].filter((end) => !cuts.has(end)),
      `chunks of ${size}`,
    ).toEqual([]);
  }
});

test("what is no frame passes through", async () => {
  for (const bytes of [
    Buffer.from("gar"),
    Buffer.from("garbage ".repeat(100)),
    whole.subarray(0, 3),
  ]) {
    expect(Buffer.concat(await cut(bytes, 7))).toEqual(bytes);
  }
  const broken = Buffer.concat([frames[0] as Buffer, Buffer.from("garbage")]);
  expect((await cut(broken, 100)).map((piece) => piece.length)).toEqual([frames[0]?.length, 7]);
});
