import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_NAME_CHARS, MAX_TAGS } from "@faultline/shared";
import { readMetadata } from "../src/crash/metadata.ts";
import { isPrivate } from "../src/crash/private-names.ts";
import { MAX_METADATA_DEPTH } from "../src/limits.ts";
import { Problem } from "../src/problem.ts";

const read = (value: unknown, query: Record<string, unknown> = {}) =>
  readMetadata(Buffer.from(JSON.stringify(value)), query, false);
const readJson = (json: string | Uint8Array) => readMetadata(Buffer.from(json), {}, false);

const nothing = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

test("everything a client may say", () => {
  const said = {
    release: "2026.11",
    environment: "production",
    host: "web-1",
    pid: 4711,
    time: "2026-11-23T12:00:00.123456+01:00",
    pythonVersion: "3.13.1",
    tags: { region: "eu", shard: 7, canary: true },
    modules: [{ name: "libc.so.6", base: "0x7f", size: 12 }],
  };
  expect(read({ ...said, id: "0193A1B2-0000-7000-8000-00000000000F" })).toEqual({
    id: "0193a1b2-0000-7000-8000-00000000000f",
    metadata: { ...said, tags: { region: "eu", shard: "7", canary: "true" } },
  });
});

test("nothing said, and fields we do not know", () => {
  expect(readMetadata(null, {}, false)).toEqual({ id: null, metadata: nothing });
  expect(read({ release: null, host: "", tags: {}, surprise: { a: 1 } })).toEqual({
    id: null,
    metadata: nothing,
  });
});

test("the query fills what the metadata leaves out", () => {
  const { id, metadata } = read(
    { release: "2.0" },
    { release: "1.0", host: "web-2", pid: "12", id: "0193a1b20000700080000000000000ff", key: "x" },
  );
  expect(id).toBe("0193a1b2-0000-7000-8000-0000000000ff");
  expect(metadata).toEqual({ ...nothing, release: "2.0", host: "web-2", pid: 12 });
});

test("texts are cut, and made such that Postgres can hold them", () => {
  const { metadata } = read({
    release: "r".repeat(500),
    host: "a\0b\ud800c",
    tags: { ["n\0".repeat(200)]: "v".repeat(500) },
    modules: [{ "na\0me": "x\0", deep: [{ inner: "\udfff" }] }],
  });
  expect(metadata.release).toBe("r".repeat(MAX_NAME_CHARS));
  expect(metadata.host).toBe("a\u{fffd}b\u{fffd}c");
  const tags = Object.entries(metadata.tags).map(([name, value]) => [name.length, value.length]);
  expect(tags).toEqual([[MAX_NAME_CHARS, MAX_NAME_CHARS]]);
  expect(Object.keys(metadata.tags).join()).not.toContain("\0");
  expect(metadata.modules).toEqual([
    { "na\u{fffd}me": "x\u{fffd}", deep: [{ inner: "\u{fffd}" }] },
  ]);
});

test("a nil UUID is no id: all crashes of a broken client would be one", () => {
  expect(read({ id: "00000000-0000-0000-0000-000000000000" }).id).toBeNull();
});

test("a tag named __proto__ is a tag", () => {
  const { metadata } = readJson('{"tags":{"__proto__":"x"},"__proto__":{"host":"y"}}');
  expect(Object.entries(metadata.tags)).toEqual([["__proto__", "x"]]);
  expect(metadata.host).toBeNull();
});

describe("what is refused names its field", () => {
  test.each([
    ["metadata", '"text"'],
    ["metadata", "[1]"],
    ["metadata", "{"],
    ["metadata", ""],
    ["metadata.id", '{"id":"4711"}'],
    ["metadata.id", '{"id":7}'],
    ["metadata.release", '{"release":["1.0"]}'],
    ["metadata.pid", '{"pid":-1}'],
    ["metadata.pid", '{"pid":1.5}'],
    ["metadata.pid", '{"pid":"1e3"}'],
    ["metadata.pid", '{"pid":1e300}'],
    ["metadata.time", '{"time":"yesterday"}'],
    ["metadata.time", '{"time":"2026-13-45T00:00:00Z"}'],
    ["metadata.time", '{"time":1700000000}'],
    ["metadata.tags", '{"tags":["a"]}'],
    ["metadata.tags.a", '{"tags":{"a":{}}}'],
    ["metadata.modules", '{"modules":{}}'],
    ["metadata.modules[1]", '{"modules":[{},7]}'],
  ])("%s: %s", (field, json) => {
    const refused = (): unknown => readJson(json);
    expect(refused).toThrow(expect.objectContaining({ code: "bad-metadata" }) as Error);
    expect(refused).toThrow(`${field}:`);
  });

  test("limits are named", () => {
    const tags = Object.fromEntries(
      Array.from({ length: MAX_TAGS + 1 }, (_, at) => [`t${at}`, "x"]),
    );
    expect(() => read({ tags })).toThrow("MAX_TAGS");
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const nested = (): unknown => readJson(`{"modules":[{"a":${deep}}]}`);
    expect(nested).toThrow("MAX_METADATA_DEPTH");
    const most = "[".repeat(MAX_METADATA_DEPTH - 2) + "]".repeat(MAX_METADATA_DEPTH - 2);
    expect(() => readJson(`{"modules":[{"a":${most}}]}`)).not.toThrow();
  });
});

test("the environment and the command line are left out, unless they are wanted", () => {
  const secret = { a: { environ: "SECRET=1", size: 1 }, sys_argv: ["--password", "x"] };
  const tags = {
    environ: "SECRET=1",
    "sys.argv": "--password x",
    commandLine: "--password x",
    "switch-3": "--password=x",
    env: "SECRET=1",
    "deployment.env": "staging",
    environment: "staging",
    "arguments of war": "none",
  };
  const { metadata } = read({ tags, modules: [secret] });
  expect(Object.keys(metadata.tags)).toEqual(["deployment.env", "environment", "arguments of war"]);
  expect(metadata.modules).toEqual([{ a: { size: 1 } }]);
  const kept = readMetadata(Buffer.from(JSON.stringify({ tags, modules: [secret] })), {}, true);
  expect(kept.metadata).toMatchObject({ tags, modules: [secret] });
});

test("a name or a value made to be slow to look at is looked at quickly", () => {
  const long = 200_000;
  for (const text of ["\n".repeat(long), " ".repeat(long), "a".repeat(long), "a-".repeat(long)]) {
    expect(isPrivate("env", text)).toBe(false);
    expect(isPrivate(text, null)).toBe(false);
  }
});

test("any JSON is metadata that Postgres can hold, or a Problem", () => {
  const field = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }),
    fc.integer(),
  );
  const keys = ["id", "release", "host", "pid", "time", "tags", "modules", "pythonVersion"];
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...keys), field));
  fc.assert(
    fc.property(value, (said) => {
      const found = attempt(() => JSON.stringify(read(said).metadata));
      expect(found instanceof Problem ? "refused" : found).not.toMatch(/\\u0000|\\ud[89a-f]/);
    }),
    { numRuns: 500 },
  );
});

test("any bytes are metadata or a Problem", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const found = attempt(() => JSON.stringify(readJson(bytes)));
      expect(typeof found === "string" || found instanceof Problem).toBe(true);
    }),
  );
});

/** What a function answers, or throws. */
function attempt(run: () => string): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
