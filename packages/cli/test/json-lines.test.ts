import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, linesOf } from "../src/json-lines.ts";

async function* chunksOf(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size: number, limit?: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(chunksOf(Buffer.from(text), size), limit)) lines.push(line);
  return lines;
}

test("lines are the same however the stream is cut", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " ").trim());
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (texts, size) => {
      const lines = await read(texts.map((text) => `${text}\n`).join(""), size);
      expect(lines).toEqual(texts.map((text, index) => ({ number: index + 1, text })));
    }),
  );
});

test("a last line may lack its line feed, and line ends may be Windows'", async () => {
  expect(await read('{"a":1}\r\n\r\n{"b":2}', 3)).toEqual([
    { number: 1, text: '{"a":1}' },
    { number: 2, text: "" },
    { number: 3, text: '{"b":2}' },
  ]);
});

test("a line over the limit is refused by its number, and the next one read", async () => {
  const lines = await read(`short\n${"x".repeat(30)}\nshort`, 4, 10);
  expect(lines[1]).toMatchObject({ number: 2, text: null });
  expect(lines[1]).toHaveProperty("problem", expect.stringContaining("MAX_LINE_BYTES"));
  expect([lines[0]?.text, lines[2]?.text]).toEqual(["short", "short"]);
});
