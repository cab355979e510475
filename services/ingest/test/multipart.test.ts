import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMultipart } from "../src/body/multipart.ts";
import { parseParameters } from "../src/body/part-head.ts";
import { MAX_PART_HEADER_BYTES } from "../src/limits.ts";
import { Problem } from "../src/problem.ts";

interface ReadPart {
  readonly name: string;
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly body: string;
}

async function* chunked(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

async function read(body: Buffer | string, size = 1 << 20, boundary = "b"): Promise<ReadPart[]> {
  const parts: ReadPart[] = [];
  const source = chunked(Buffer.from(body), size);
  for await (const part of readMultipart(source, new Map([["boundary", boundary]]))) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.body) chunks.push(chunk);
    const { name, filename, contentType } = part;
    parts.push({ name, filename, contentType, body: Buffer.concat(chunks).toString("latin1") });
  }
  return parts;
}

const simple = `--b\r
Content-Disposition: form-data; name="metadata"\r
Content-Type: application/json\r
\r
{"a":1}\r
--b\r
content-disposition: form-data; filename="f.log"; name=faulthandler\r
\r
line\r
\r
-b --b\r
\r
--b--\r
`;
const simpleParts = [
  { name: "metadata", filename: null, contentType: "application/json", body: '{"a":1}' },
  { name: "faulthandler", filename: "f.log", contentType: null, body: "line\r\n\r\n-b --b\r\n" },
];

test("parts with their heads and bodies, whatever the chunks", async () => {
  for (let size = 1; size <= simple.length; size++) {
    expect(await read(simple, size), `chunks of ${size}`).toEqual(simpleParts);
  }
});

test("a body cut short at any byte is refused, and never read as if it were whole", async () => {
  const end = simple.lastIndexOf("--b--") + "--b--".length;
  for (let length = 0; length < end; length++) {
    await expect(read(simple.slice(0, length)), `cut at byte ${length}`).rejects.toMatchObject({
      name: "Problem",
      code: "bad-body",
    });
  }
  expect(await read(simple.slice(0, end))).toEqual(simpleParts);
});

test("preamble, epilogue, padding after a boundary, and parts without a body", async () => {
  const body = `ignored\r\n--b \t\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name="y"\r\n\r\n--b\r\nContent-Disposition: form-data; name="z"\r\n\r\n1\r\n--b--\r\nignored --b too`;
  const parts = await read(body, 3);
  expect(parts.map(({ name, body: bytes }) => [name, bytes])).toEqual([
    ["x", ""],
    ["y", ""],
    ["z", "1"],
  ]);
});

test("a body that is skipped does not shift what follows", async () => {
  const names: string[] = [];
  const source = chunked(Buffer.from(simple), 5);
  for await (const part of readMultipart(source, new Map([["boundary", "b"]])))
    names.push(part.name);
  expect(names).toEqual(["metadata", "faulthandler"]);
});

describe("what is no form", () => {
  const part = (headers: string): string => `--b\r\n${headers}\r\n\r\nx\r\n--b--`;
  test.each([
    ["no boundary at all", "hello"],
    ["text behind a boundary", "--b?\r\n\r\n\r\n--b--"],
    ["a part without a disposition", part("Content-Type: text/plain")],
    ["a part without a name", part("Content-Disposition: form-data")],
    [
      "a part in base64",
      part('Content-Disposition: form-data; name="x"\r\nContent-Transfer-Encoding: base64'),
    ],
  ])("%s", async (_name, body) => {
    await expect(read(body)).rejects.toMatchObject({ code: "bad-body" });
  });

  test("headers that do not end", async () => {
    const endless = `--b\r\nContent-Disposition: form-data; name="${"x".repeat(MAX_PART_HEADER_BYTES)}"\r\n\r\n\r\n--b--`;
    for (const size of [1000, endless.length]) {
      await expect(read(endless, size)).rejects.toMatchObject({
        code: "too-large",
        message: expect.stringContaining("MAX_PART_HEADER_BYTES"),
      });
    }
    await expect(read(`--b${" ".repeat(1 << 20)}`)).rejects.toMatchObject({ code: "bad-body" });
  });

  test("a boundary that is missing or endless", async () => {
    await expect(read(simple, 100, "")).rejects.toMatchObject({ code: "bad-body" });
    await expect(read(simple, 100, "b".repeat(300))).rejects.toMatchObject({ code: "bad-body" });
  });
});

test.each([
  ['form-data; name="a"; filename="C:\\dir\\f.log"', "C:\\dir\\f.log"],
  ['form-data; name="a"; filename="say \\"hi\\".log"', 'say "hi".log'],
  ['form-data; name="a"; filename="say %22hi%22.log"', 'say "hi".log'],
  ['form-data; name="a"; filename="plain.log"; filename*=UTF-8\'\'%c3%a4.log', "ä.log"],
  ["form-data; name=\"a\"; filename*=utf-8''%ff", null],
  ['form-data; name="a"; filename="ä; name=b.log"', "ä; name=b.log"],
  ["form-data ; name=a ; filename = f", "f"],
])("%s", async (disposition, filename) => {
  const [part] = await read(`--b\r\nContent-Disposition: ${disposition}\r\n\r\n\r\n--b--`);
  expect(part).toMatchObject({ name: "a", filename });
});

test("bytes come out as they went in", async () => {
  const bodies = fc.array(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    { maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(bodies, fc.integer({ min: 1, max: 64 }), async (sent, size) => {
      const boundary = "a-boundary-that-no-body-holds";
      const pieces = sent.map(
        (body, at) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="p${at}"\r\n\r\n${body}\r\n`,
      );
      const whole = Buffer.from(`${pieces.join("")}--${boundary}--\r\n`, "latin1");
      if (sent.length === 0) return;
      const parts = await read(whole, size, boundary);
      expect(parts.map((part) => part.body)).toEqual(sent);
    }),
  );
});

test("any bytes are parts or a Problem", async () => {
  const token = fc.constantFrom(
    "--b",
    "--b--",
    "\r\n",
    "\r\n\r\n",
    "Content-Disposition: form-data",
    "; name=x",
    ";",
    '"',
    "\\",
    " ",
    "é",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(token, { maxLength: 30 }),
      fc.integer({ min: 1, max: 9 }),
      async (tokens, size) => {
        const found = await read(tokens.join(""), size).catch((error: unknown) => error);
        expect(Array.isArray(found) || found instanceof Problem).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("parameters of a header, in time that grows with its length only", () => {
  const { value, parameters } = parseParameters(
    'Multipart/Form-Data; Charset=utf-8; boundary="a;b\\"c"',
  );
  expect(value).toBe("multipart/form-data");
  expect([...parameters]).toEqual([
    ["charset", "utf-8"],
    ["boundary", 'a;b"c'],
  ]);
  const started = performance.now();
  parseParameters(`x;${" ".repeat(100_000)}`);
  parseParameters(`x;a="${"\\".repeat(100_000)}`);
  parseParameters(`x${" ;".repeat(50_000)}`);
  expect(performance.now() - started).toBeLessThan(500);
});
