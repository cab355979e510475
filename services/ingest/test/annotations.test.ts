/** What crash handlers say beside a minidump → metadata and tags. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_METADATA_BYTES, MAX_NAME_CHARS, MAX_TAGS } from "@faultline/shared";
import { Annotations } from "../src/crash/annotations.ts";

function finish(fields: Readonly<Record<string, string>>, keepEnvironment = false) {
  const annotations = new Annotations(keepEnvironment);
  for (const [name, value] of Object.entries(fields)) annotations.add(name, value);
  return annotations.finish();
}

describe("what of it has a meaning", () => {
  test.each([
    ["Breakpad", { prod: "shop", ver: "1.2" }, { release: "1.2" }, "shop"],
    [
      "Electron",
      { prod: "Electron", ver: "30.0", _version: "1.2", _productName: "Shop" },
      { release: "1.2" },
      "Shop",
    ],
    ["Mozilla", { ProductName: "Shop", Version: "1.2" }, { release: "1.2" }, "Shop"],
    [
      "ours",
      {
        product: "shop",
        release: "r7",
        version: "1.2",
        environment: "staging",
        hostname: "web-1",
        pid: "12",
        timestamp: "2026-11-23T12:00:00Z",
        python_version: "3.13.1",
      },
      {
        release: "r7",
        environment: "staging",
        host: "web-1",
        pid: "12",
        time: "2026-11-23T12:00:00Z",
        pythonVersion: "3.13.1",
      },
      "shop",
    ],
    ["what does not fit", { pid: "main", time: "now", ver: "1.2" }, { release: "1.2" }, undefined],
  ])("%s", (_name, fields, said, product) => {
    const found = finish(fields);
    expect(found.said).toEqual(said);
    expect(found.rest.tags["product"]).toBe(product);
  });

  test("every name stays a tag, but those that differ with every crash", () => {
    const { tags } = finish({ ver: "1", guid: "g", pid: "7", time: "2026-11-23T12:00:00Z" }).rest;
    expect(tags).toEqual({ ver: "1", guid: "g" });
    expect(finish({ pid: "main" }).rest.tags).toEqual({ pid: "main" });
  });
});

describe("Sentry's clients", () => {
  const event = {
    event_id: "a".repeat(32),
    release: "shop@1.2",
    environment: "staging",
    server_name: "web-1",
    tags: { region: "eu", shard: 7 },
    extra: { note: "x", "sys.argv": ["--key=hunter2"], deep: { a: 1 } },
    user: { id: "42" },
    contexts: { os: { name: "Linux" } },
  };
  const wanted = {
    said: { release: "shop@1.2", environment: "staging", host: "web-1" },
    tags: { region: "eu", shard: "7", note: "x", "user.id": "42" },
  };
  const json = JSON.stringify(event);

  test.each<[string, Record<string, string>]>([
    ["an event in one field", { sentry: json }],
    [
      "an event in pieces, in any order",
      { sentry__2: json.slice(100), sentry__1: json.slice(0, 100) },
    ],
    [
      "fields in brackets",
      {
        "sentry[release]": "shop@1.2",
        "sentry[environment]": "staging",
        "sentry[server_name]": "web-1",
        "sentry[tags][region]": "eu",
        "sentry[tags][shard]": "7",
        "sentry[extra][note]": "x",
        "sentry[user][id]": "42",
      },
    ],
    ["tags in pairs", { sentry: JSON.stringify({ ...event, tags: Object.entries(event.tags) }) }],
  ])("%s", (_name, fields) => {
    const { said, rest } = finish(fields);
    expect(said).toEqual(wanted.said);
    expect(rest.tags).toMatchObject(wanted.tags);
    expect(JSON.stringify(rest)).not.toContain("hunter2");
  });

  test("an event that is none is an annotation", () => {
    expect(finish({ sentry: "{" }).rest.tags).toEqual({ sentry: "{" });
  });
});

describe("what is large or much", () => {
  test("a long text is an annotation, whole", () => {
    const long = "x".repeat(MAX_NAME_CHARS + 1);
    expect(finish({ list_annotations: long, short: "y" }).rest).toEqual({
      tags: { short: "y" },
      annotations: { list_annotations: long },
    });
  });

  test("so is what comes after MAX_TAGS", () => {
    const many = Array.from({ length: MAX_TAGS + 5 }, (_, at): [string, string] => [`t${at}`, "x"]);
    const { tags, annotations } = finish(Object.fromEntries(many)).rest;
    expect(Object.keys(tags)).toHaveLength(MAX_TAGS);
    expect(Object.keys(annotations ?? {})).toHaveLength(5);
  });

  test("what goes beyond MAX_METADATA_BYTES is counted", () => {
    const half = "x".repeat(MAX_METADATA_BYTES / 2);
    const { annotations, annotationsLeftOut } = finish({ a: half, b: half, c: half }).rest;
    expect([Object.keys(annotations ?? {}), annotationsLeftOut]).toEqual([["a"], 2]);
  });
});

test("the environment and the command line are left out, unless they are wanted", () => {
  const fields = { environ: "K=hunter2", cmdline: "--k=hunter2", "switch-1": "--k=hunter2" };
  expect(finish(fields).rest.tags).toEqual({});
  expect(finish(fields, true).rest.tags).toEqual(fields);
});

test("any texts are annotations that Postgres can hold", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("sentry", "sentry__1", "sentry[tags][a]", "sentry[]", "pid", "__proto__"),
  );
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json({ maxDepth: 3, stringUnit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (fields) => {
      const annotations = new Annotations(false);
      for (const [key, text] of fields) annotations.add(key, text);
      const { said, rest } = annotations.finish();
      const texts = [said, rest.tags, rest.annotations ?? {}].flatMap(Object.entries).flat();
      expect(texts.filter((text) => text.includes("\0") || !text.isWellFormed())).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
