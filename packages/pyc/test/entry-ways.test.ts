import { describe, expect, test } from "vitest";
import { buildPycMap, openPycMap } from "../src/index.ts";
import { callsPyc, callsSource, callsVersions } from "./fixtures.ts";

const lines = callsSource.map((bytes) => new TextDecoder().decode(bytes));

/** "by" of each way, "!" behind those that name the callee; of the first line that begins with `source`. */
function waysOf(minor: number, source: string, callee: string): string[] {
  const map = openPycMap(buildPycMap(callsPyc(minor)));
  const line = lines.findIndex((text) => text.trim().startsWith(source)) + 1;
  for (let index = 1; index < map.codeCount; index++) {
    if (!map.codesAt(map.code(index).name, line).includes(index)) continue;
    const [own] = map.codesNamed(callee);
    const code = own === undefined ? null : map.code(own);
    return map
      .entryWaysAt(index, line, callee, code)
      .map(({ by, named }) => (named ? `${by}!` : by));
  }
  throw new Error(`no code object has line ${line}`);
}

describe.each(callsVersions)("CPython 3.%d", (minor) => {
  test.each([
    ["plain(x)  #", "plain", ["call!"]],
    ["plain(second(x))  #", "second", ["call!"]],
    ["another(x) + aliased(y)", "aliased", ["call", "call!"]],
    ["sorted(x, key=keyed)", "keyed", ["call", "call!"]],
    ["x.size  #", "size", ["attribute"]],
    ["cached(x)  #", "cached", ["call"]],
    ["x + y * x", "__mul__", ["other"]],
    ["x[plain(y)]  #", "__getitem__", ["subscript"]],
    ["x[y] = y", "__setitem__", ["other"]],
    ["with plain(x) as c", "__enter__", minor <= 13 ? ["enter", "call"] : ["call"]],
    ["list(gen(x))", "gen", ["call"]],
  ])("%s: %s", (source, callee, ways) => {
    expect(waysOf(minor, source, callee)).toEqual(ways);
  });

  test("nothing where anything can have done it", () => {
    expect(waysOf(minor, "y = plain(x)", "__del__")).toEqual([]);
  });
});
