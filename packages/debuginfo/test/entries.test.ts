/** How entries are walked: what is jumped over, and what must not be. */
import { expect, test } from "vitest";
import { cacheOf } from "./fixture.ts";
import { abbreviations, elfWith, u32, u64, unit4 } from "./synthetic-elf.ts";

const Language = { c99: 0x0c, rust: 0x1c, cPlusPlus: 0x04 } as const;

const UNIT = [1, 0x11, 1, 0x13, 0x0b]; // compile_unit with children: language as data1
const STRUCTURE = [2, 0x13, 1, 0x01, 0x13]; // structure_type with children: sibling as ref4
const FUNCTION = [3, 0x2e, 0, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06]; // name, low_pc, high_pc as data4
const CALL_SITE = [4, 0x48, 1, 0x01, 0x13];

const HEADER = 11;
const named = (name: string, address: number): number[] => [
  3,
  ...Buffer.from(`${name}\0`),
  ...u64(address),
  ...u32(16),
];

/** A unit whose function `inner` is inside of an entry that says where its sibling is, and `outer` behind it. */
function namesOf(language: number, code: 2 | 4, siblingOffset = 0): (string | null | undefined)[] {
  const inner = [...named("inner", 0x1000), 0];
  const sibling = HEADER + 2 + 5 + inner.length + siblingOffset;
  const entries = [1, language, code, ...u32(sibling), ...inner, ...named("outer", 0x1100), 0];
  const cache = cacheOf(
    elfWith({
      ".debug_info": unit4(Buffer.from(entries)),
      ".debug_abbrev": abbreviations(UNIT, STRUCTURE, FUNCTION, CALL_SITE),
    }),
  );
  return [0x1000, 0x1100].map((address) => cache.frames(address)[0]?.function);
}

test.each([Language.rust, Language.cPlusPlus])(
  "functions inside types are read where a language has them (%i)",
  (language) => {
    expect(namesOf(language, 2)).toEqual(["inner", "outer"]);
  },
);

test("types of C are jumped over, as are call sites in any language", () => {
  expect(namesOf(Language.c99, 2)).toEqual([undefined, "outer"]);
  expect(namesOf(Language.rust, 4)).toEqual([undefined, "outer"]);
});

test.each([-40, 4000])("a sibling that lies %i bytes off is not believed", (offset) => {
  expect(namesOf(Language.c99, 2, offset)).toEqual(["inner", "outer"]);
});
