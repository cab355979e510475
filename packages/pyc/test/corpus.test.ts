import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { pycJson, readPyc } from "../src/index.ts";
import { brokenPycs, corpusPycs, expectedPyc, readCorpusPyc } from "./corpus-pycs.ts";

/** Said in the names of what is skipped. */
const skipped = corpus === null ? ` (skipped: ${corpusSkipReason})` : "";

const described = (name: string): Record<string, unknown> => {
  const text = [...pycJson(readPyc(readCorpusPyc(name)), name)].join("");
  const document: unknown = JSON.parse(text);
  if (typeof document !== "object" || document === null) throw new TypeError(text);
  return { ...document };
};

const pick = (document: Record<string, unknown>, keys: readonly string[]): object =>
  Object.fromEntries(keys.map((key) => [key, document[key]]));

describe.skipIf(corpus === null)(`every pyc of the corpus${skipped}`, () => {
  test.each(corpusPycs)("%s is what its interpreter says", (name) => {
    const expected = expectedPyc(name);
    const actual = described(name);
    expect(pick(actual, Object.keys(expected.told))).toEqual(expected.told);
    expect(expected.python.startsWith(`${String(actual.python)}.`)).toBe(true);
  });
});

describe.skipIf(corpus === null)(`every damaged pyc of the corpus${skipped}`, () => {
  const listed = JSON.parse(
    corpus === null
      ? "{}"
      : readFileSync(join(corpus, "python", "pyc", "broken", "errors.json"), "utf8"),
  ) as Record<string, string>;

  test("is listed with what is wrong with it", () => {
    const files = brokenPycs.map((name) => /broken\/(.*)\.pyc/.exec(name)?.[1]);
    expect(new Set(files)).toEqual(new Set(Object.keys(listed)));
  });

  test.each(brokenPycs.filter((name) => name !== "broken/trailing.pyc"))(
    "%s is refused with a code and an offset",
    (name) => {
      const bytes = readCorpusPyc(name);
      let refusal: unknown = null;
      try {
        readPyc(bytes);
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toMatchObject({ name: "PycError", code: expectedCode(name) });
      expect(refusal).toHaveProperty(
        "offset",
        expect.toSatisfy((offset: number) => offset >= 0 && offset <= bytes.length),
      );
    },
  );

  test("bytes after the code object are a warning with their offset", () => {
    const { warnings } = readPyc(readCorpusPyc("broken/trailing.pyc"));
    expect(warnings).toMatchObject([{ code: "trailing-bytes", offset: 9846 }]);
  });
});

/** From errors.json: "truncated", "unknown magic 0", … */
function expectedCode(name: string): string {
  const codes: Readonly<Record<string, string>> = {
    empty: "truncated",
    header_only: "truncated",
    short_header: "truncated",
    bad_magic: "bad-magic",
    no_crlf: "bad-magic",
    python27_magic: "unsupported-version",
    future_magic: "unsupported-version",
    wrong_version_magic: "bad-type",
    bad_flags: "bad-flags",
    huge_count: "truncated",
    negative_count: "bad-length",
    bad_ref: "bad-reference",
    deep_tuples: "limit",
    self_ref: "bad-reference",
    unknown_type: "bad-type",
    not_code: "not-code",
  };
  const stem = /broken\/(.*)\.pyc/.exec(name)?.[1] ?? "";
  return stem.startsWith("truncated_") ? "truncated" : (codes[stem] ?? "");
}
