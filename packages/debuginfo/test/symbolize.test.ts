import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { demangle } from "../../symbols/src/demangle.ts";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import type { SymbolCache } from "../src/index.ts";
import { answers, cacheOf, elfOf, fixture } from "./fixture.ts";

/**
 * The differences in names that are known, all of the demangler: the return type of a template function is
 * left away, an unsigned literal is a cast, `const` of a nested type may stand before its last part, and it
 * reads names that the tools leave as they are.
 */
const sameName = (ours: unknown, wanted: unknown): boolean => {
  const plain = (name: unknown): string => String(name).replaceAll(" const", "");
  const spelled = plain(ours).replaceAll(/\(unsigned int\)(\d+)/g, "$1u");
  return [wanted, demangle(String(wanted))].some(
    (name) => plain(name) === spelled || plain(name).endsWith(` ${spelled}`) || name === ours,
  );
};

/** Frames as wanted, with our spelling of the names that are the same. */
const inOurSpelling = (
  found: readonly (readonly unknown[])[],
  wanted: readonly (readonly unknown[])[],
): readonly (readonly unknown[])[] =>
  wanted.map(([name, file, line], index) => {
    const ours = found[index]?.[0];
    return [sameName(ours, name) ? ours : name, file, line];
  });

type Run = readonly [first: string, last: string, frames: readonly (string | number)[][]];
const expectationsOf = (name: string): Record<string, readonly Run[]> =>
  JSON.parse(
    readFileSync(new URL(`fixtures/${name}.expected.json`, import.meta.url), "utf8"),
  ) as Record<string, readonly Run[]>;
const expected = { ...expectationsOf("shapes"), ...expectationsOf("cross") };

/** Addresses whose answer is not as expected. */
function wrongAnswers(
  object: string,
  runs: readonly Run[],
  debug: string | null = null,
): readonly unknown[] {
  const cache = cacheOf(fixture(object), debug === null ? null : fixture(debug));
  const wrong: unknown[] = [...cache.info.gaps];
  for (const [first, last, frames] of runs) {
    for (let address = Number(first); address <= Number(last); address += 1) {
      const found = answers(cache, address);
      if (JSON.stringify(found) !== JSON.stringify(inOurSpelling(found, frames)))
        wrong.push([address, found, frames]);
    }
  }
  return wrong;
}

const runsOf = (name: string): readonly Run[] => expected[name] ?? [];

test("the expectations hold every fixture and many addresses", () => {
  expect(Object.values(expected).map((runs) => runs.length > 8)).toEqual(
    ["2", "4", "5", "s390x", "ppc", "arm"].map(() => true),
  );
});

test.each(Object.keys(expected))("%s: every address as two other symbolizers say", (name) => {
  expect(wrongAnswers(name, runsOf(name))).toEqual([]);
});

test("compressed sections say the same", () => {
  expect(wrongAnswers("shapes-zlib.so", runsOf("shapes-dwarf5.so"))).toEqual([]);
});

test("sections compressed the old way say the same", () => {
  expect(wrongAnswers("shapes-zdebug.so", runsOf("shapes-dwarf4.so"))).toEqual([]);
});

test("a stripped object and its debug file together say the same", () => {
  expect(
    wrongAnswers("shapes-stripped.so", runsOf("shapes-dwarf5.so"), "shapes-stripped.debug"),
  ).toEqual([]);
});

test("a relocatable object is read with its relocations, .text where other tools have it", () => {
  const cache = cacheOf(fixture("shapes.o"));
  expect(answers(cache, 0x20)).toEqual([
    ["checked", "/build/shapes.cc", 11],
    ["area", "/build/shapes.cc", 16],
    ["shapes::measure(shapes::Box const*, int)", "/build/shapes.cc", 30],
  ]);
  expect(answers(cache, 0x70)).toEqual([["shapes_measure", "/build/shapes.cc", 38]]);
});

test("a stripped object alone names what it exports, and nothing else", () => {
  const cache = cacheOf(fixture("shapes-stripped.so"));
  expect(cache.info.sources).toEqual(["dynsym"]);
  expect(answers(cache, 0x390)).toEqual([["shapes::refuse(int)", null, null]]);
  expect(answers(cache, 0x10)).toEqual([]);
});

test("column, linkage name and inlining are told", () => {
  const cache = cacheOf(fixture("shapes-dwarf5.so"));
  const [inner, middle, outer] = cache.frames(0x3ce);
  expect([inner?.inline, middle?.inline, outer?.inline]).toEqual([true, true, false]);
  expect(outer?.linkageName).toBe("_ZN6shapes7measureEPKNS_3BoxEi");
  expect(inner?.column).toBe(3);
});

const splitCases = [
  ["base-clang-split-v4", "base-clang-g2"],
  ["base-clang-split-v5", "base-clang-g2"],
  ["base-gcc-split", "base-gcc-g2"],
] as const;

test.skipIf(corpus === null).each(splitCases)(
  `%s: with its .dwo and with its .dwp as the same source built whole (skipped where ${corpusSkipReason})`,
  (name, whole) => {
    const read = (file: string): Uint8Array =>
      readFileSync(join(corpus as string, "public/gimli-rs__object-testfiles/dwarf", file));
    const reference = cacheOf(read(whole));
    const text = elfOf(read(name)).sections.find((section) => section.name === ".text");
    const split = [`${name}-base.dwo`, `${name}.dwp`].map((file) =>
      cacheOf(read(name), null, [read(file)]),
    );
    const counts = split.map((cache) =>
      inlinedAddresses(cache, text?.address ?? 0, text?.size ?? 0),
    );
    expect(counts).toEqual([
      inlinedAddresses(reference, text?.address ?? 0, text?.size ?? 0),
      counts[0],
    ]);
    expect(counts[0]).toBeGreaterThan(10);
    expect(cacheOf(read(name)).info.gaps.join()).toMatch(/no \.dwo or \.dwp with it was given/);
  },
);

/** How many addresses of a stretch lie in calls that were inlined. */
const inlinedAddresses = (cache: SymbolCache, start: number, size: number): number =>
  Array.from({ length: size }, (_, at) => cache.frames(start + at - cache.info.loadBase)).filter(
    (frames) => frames.length > 1,
  ).length;

/** Objects of the corpus whose answers two of three other tools agree on. */
const agreed = [
  ["symbolic-crash.debug", "getsentry__symbolic/symbolic-testutils/fixtures/linux/crash.debug"],
  ["objtest-base-clang-g2", "gimli-rs__object-testfiles/dwarf/base-clang-g2"],
  ["objtest-base-gcc-g2", "gimli-rs__object-testfiles/dwarf/base-gcc-g2"],
  ["objtest-cold", "gimli-rs__object-testfiles/dwarf/cold"],
  ["samply-example-linux-fallback", "mstange__samply/fixtures/other/example-linux-fallback"],
  ["samply-issue776-nonpie-arm64", "mstange__samply/fixtures/other/issue-776-nonpie-aarch64"],
  [
    "samply-regular-debuglink-arm64-dwarf4",
    "mstange__samply/fixtures/other/simple-example/out/regular-debuglink/main.dbg",
  ],
] as const;

test.skipIf(corpus === null).each(agreed)(
  `%s: as agreed (skipped where ${corpusSkipReason})`,
  (name, object) => {
    const folder = join(corpus as string, "public");
    const cache = cacheOf(readFileSync(join(folder, object)));
    const rows = readFileSync(join(folder, "_oracle", `${name}.consensus.jsonl`), "utf8")
      .trim()
      .split("\n");
    const wrong = rows.filter((row) => {
      const { address, frames } = JSON.parse(row) as {
        address: string;
        frames: { function: string; file: string; line: number }[];
      };
      const found = answers(cache, Number(address));
      // line 0 is DWARF's "no line", which is null here
      const wanted = frames.map((frame) => [frame.function, frame.file, frame.line || null]);
      return JSON.stringify(found) !== JSON.stringify(inOurSpelling(found, wanted));
    });
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(40);
  },
);

test("labels of an assembler: the symbol table's choice among them, whichever comes first", () => {
  const cache = cacheOf(fixture("labels.so"));
  const text = elfOf(fixture("labels.so")).sections.find(({ name }) => name === ".text");
  expect(answers(cache, text?.address ?? 0)).toEqual([["twice", "/build/labels.s", 8]]);
});
