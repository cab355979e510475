/** POST /api/v1/crashes: what is refused says why, and leaves nothing. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  INLINE_BYTES,
  MAX_ATTACHMENTS,
  MAX_METADATA_BYTES,
  MAX_TEXT_BYTES,
} from "@faultline/shared";
import type { LightMyRequestResponse } from "fastify";
import { clearCrashes } from "../../../test/postgres.ts";
import { MAX_CRASH_PARTS } from "../src/limits.ts";
import { senderOf, textType, type Sender } from "./sender.ts";
import { dumpText, form, openSetting, traces, type Setting, type TestPart } from "./setting.ts";

let at: Setting;
let send: Sender;
beforeAll(async () => {
  at = await openSetting();
  send = senderOf(at);
});
afterAll(() => at.close());
beforeEach(() => clearCrashes(at.pool));

const dump: TestPart = { name: "faulthandler", body: "x" };
const big = "b".repeat(INLINE_BYTES * 2);
const many = (count: number): TestPart[] =>
  Array.from({ length: count }, (_, one) => ({ name: `f${one}`, filename: "f", body: big }));
const cases: readonly (readonly [
  string,
  number,
  string,
  string,
  () => Promise<LightMyRequestResponse>,
])[] = [
  ["no key", 401, "no-credentials", "none", () => send.post({ payload: big }, null)],
  [
    "an unknown key",
    401,
    "bad-credentials",
    "not known",
    () => send.post({ payload: big }, "0".repeat(32)),
  ],
  [
    "an API token",
    401,
    "bad-credentials",
    "not known",
    () => send.post({ payload: big }, at.token),
  ],
  ["an empty text", 400, "empty-dump", "0 bytes", () => send.text("")],
  [
    "an empty part",
    400,
    "empty-dump",
    "0 bytes",
    () => send.form([{ ...dump, body: "" }, ...many(1)]),
  ],
  ["no dump", 400, "no-dump", "f-2", () => send.form(many(2))],
  [
    "metadata alone",
    400,
    "no-dump",
    "nothing",
    () => send.form([{ name: "metadata", body: "{}" }]),
  ],
  [
    "metadata that is none",
    400,
    "bad-metadata",
    "metadata:",
    () => send.form([...many(1), dump, { name: "metadata", body: "{" }]),
  ],
  ["an id that is no UUID", 400, "bad-metadata", "metadata.id", () => send.text("x", "?id=7")],
  ["a time that is none", 400, "bad-metadata", "metadata.time", () => send.text("x", "?time=now")],
  [
    "JSON",
    415,
    "unsupported-media-type",
    "application/json",
    () => send.post({ payload: { a: 1 } }),
  ],
  [
    "another encoding",
    415,
    "unsupported-encoding",
    "compress",
    () => send.post({ headers: { ...textType, "content-encoding": "compress" }, payload: "x" }),
  ],
  [
    "gzip that is none",
    400,
    "bad-body",
    "gzip",
    () => send.post({ headers: { ...textType, "content-encoding": "gzip" }, payload: big }),
  ],
  [
    "a form without a boundary",
    400,
    "bad-body",
    "boundary",
    () => send.post({ headers: { "content-type": "multipart/form-data" }, payload: big }),
  ],
  ["half a form", 400, "bad-body", "end at byte", () => halfForm()],
  [
    "too many attachments",
    413,
    "too-large",
    "MAX_ATTACHMENTS",
    () => send.form([dump, ...many(MAX_ATTACHMENTS)]),
  ],
  [
    "too many parts",
    413,
    "too-large",
    "MAX_CRASH_PARTS",
    () =>
      send.form(
        Array.from({ length: MAX_CRASH_PARTS + 1 }, () => ({ name: "metadata", body: "{}" })),
      ),
  ],
  [
    "too much metadata",
    413,
    "too-large",
    "MAX_METADATA_BYTES",
    () => send.form([...many(1), { name: "metadata", body: " ".repeat(MAX_METADATA_BYTES + 1) }]),
  ],
  [
    "too long a text",
    413,
    "too-large",
    "MAX_TEXT_BYTES",
    () => send.form([...many(1), { ...dump, body: "x".repeat(MAX_TEXT_BYTES + 1) }]),
  ],
  [
    "a bomb",
    413,
    "too-large",
    "MAX_TEXT_BYTES",
    () =>
      send.post({
        headers: { ...textType, "content-encoding": "gzip" },
        payload: gzipSync(Buffer.alloc(MAX_TEXT_BYTES + 1)),
      }),
  ],
];

const halfForm = (): Promise<LightMyRequestResponse> => {
  const { headers, payload } = form([...many(2), dump]);
  return send.post({ headers, payload: payload.subarray(0, payload.length - 20) });
};

test.each(cases)("%s: %i %s", async (_name, status, code, detail, attempt) => {
  const before = await traces(at.pool, at.folder);
  const answer = await attempt();
  expect(answer.json()).toEqual({
    type: `/api/docs#problem-${code}`,
    title: expect.any(String),
    status,
    detail: expect.stringContaining(detail),
    code,
    todo: expect.any(String),
  });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(await traces(at.pool, at.folder)).toEqual(before);
});

test("a form cut short at any byte", async () => {
  const { headers, payload } = form([
    { name: "metadata", body: "{}" },
    { ...dump, body: "ab" },
  ]);
  const end = payload.lastIndexOf("--");
  for (let length = 0; length < end; length++) {
    const answer = await send.post({ headers, payload: payload.subarray(0, length) });
    expect(answer.json(), `cut at byte ${length}`).toMatchObject({ code: "bad-body" });
  }
  expect((await traces(at.pool, at.folder)).rows).toBe(0);
});

test("whatever metadata is sent, the crash is stored or refused", async () => {
  const texts = fc.string({ unit: "binary", maxLength: 20 });
  const value = fc.oneof(texts, fc.integer(), fc.jsonValue({ maxDepth: 3 }));
  const keys = [
    "release",
    "environment",
    "host",
    "pid",
    "time",
    "pythonVersion",
    "tags",
    "modules",
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...keys), value),
      texts,
      async (said, filename) => {
        const answer = await send.form([
          { name: "metadata", body: JSON.stringify(said) },
          {
            name: "faulthandler",
            filename: filename.replaceAll(/[\r\n"]/g, ""),
            body: dumpText("fuzz"),
          },
        ]);
        expect([200, 400, 413]).toContain(answer.statusCode);
        expect(answer.json()).toHaveProperty(answer.statusCode === 200 ? "id" : "code");
      },
    ),
    { numRuns: 60 },
  );
  expect((await traces(at.pool, at.folder)).files.filter((file) => file.includes("spool"))).toEqual(
    [],
  );
});
