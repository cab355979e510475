import fc from "fast-check";
import { expect, test } from "vitest";
import { buildId, debugIdOf, debugLink, DebugInfoError, openCache } from "../src/index.ts";
import { cacheBytes, cacheOf, elfOf, fixture } from "./fixture.ts";

/** What is wrong with how `ask` ends: nothing when it answers or refuses with a code. */
function fault(ask: () => void): string | null {
  try {
    ask();
    return null;
  } catch (error) {
    return error instanceof DebugInfoError ? null : String(error);
  }
}

const build = (bytes: Uint8Array) => (): void => {
  const cache = cacheOf(bytes);
  for (let address = 0; address < 0x1000; address += 64) {
    cache.frames(address);
    cache.unwindRules(address);
  }
};

const open = (bytes: Uint8Array) => (): void => {
  const cache = openCache(bytes);
  for (let address = 0x340; address < 0x440; address += 5) {
    cache.frames(address);
    cache.unwindRules(address);
  }
};

function flipped(whole: Uint8Array, at: number): Uint8Array {
  const damaged = whole.slice();
  damaged[at] = (damaged[at] as number) ^ 0xff;
  return damaged;
}

const positions = (count: number, step: number): number[] =>
  Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);

test("an object cut at any byte gives a cache or a coded error", () => {
  const whole = fixture("shapes-dwarf5.so");
  const faults = positions(whole.length, 1).map((length) => fault(build(whole.slice(0, length))));
  expect(faults.filter((found) => found !== null)).toEqual([]);
});

test.each(["shapes-dwarf4.so", "shapes-zlib.so"])(
  "%s with any byte flipped gives a cache or a coded error",
  (name) => {
    const whole = fixture(name);
    const faults = positions(whole.length, 3).map((at) => fault(build(flipped(whole, at))));
    expect(faults.filter((found) => found !== null)).toEqual([]);
  },
);

test("objects with many random changes give a cache or a coded error", () => {
  const whole = fixture("shapes-dwarf2.so");
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
      const damaged = whole.slice();
      for (const [at, byte] of changes) damaged[at] = byte;
      expect(fault(build(damaged))).toBeNull();
    }),
    { numRuns: 1500 },
  );
});

test("a cache cut or flipped anywhere opens, answers or is refused", () => {
  const whole = Uint8Array.from(cacheBytes(fixture("shapes-dwarf5.so")));
  const cuts = positions(whole.length, 7).map((length) => fault(open(whole.slice(0, length))));
  const flips = positions(whole.length, 1).map((at) => fault(open(flipped(whole, at))));
  expect([...cuts, ...flips].filter((found) => found !== null)).toEqual([]);
});

test("what is refused is said with its place", () => {
  expect(() => elfOf(Buffer.from("MODULE Linux"))).toThrow(
    "e_ident: wanted 7f 45 4c 46 at 0x0, found 4d 4f 44 55",
  );
  expect(() => elfOf(fixture("shapes-dwarf5.so").slice(0, 40))).toThrow(
    "ELF header: need 64 bytes at 0x0, have 40",
  );
});

test("a section that claims to inflate beyond reason is refused before anything is inflated", () => {
  const bytes = fixture("shapes-zlib.so").slice();
  const section = elfOf(bytes).sections.find(({ name }) => name === ".debug_info");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setBigUint64((section?.offset ?? 0) + 8, 3n * 2n ** 30n, true);
  const { info } = cacheOf(bytes);
  expect(info.gaps.join()).toMatch(/cannot inflate to 3221225472/);
  expect(info.sources).toEqual(["symtab"]);
});

test("a damaged unit costs itself alone: the symbol table still names its functions", () => {
  const bytes = fixture("shapes-dwarf5.so").slice();
  const section = elfOf(bytes).sections.find(({ name }) => name === ".debug_info");
  bytes[(section?.offset ?? 0) + 4] = 9; // version
  const cache = cacheOf(bytes);
  expect(cache.info.gaps).toEqual([".debug_info: unit at 0x0: version: wanted 2 to 5, found 9"]);
  expect(cache.frames(0x390)[0]?.function).toBe("shapes::refuse(int)");
});

test("build id, debug id and debug link are read", () => {
  const stripped = elfOf(fixture("shapes-stripped.so"));
  expect(buildId(stripped)).toMatch(/^[0-9a-f]{40}$/);
  expect(buildId(stripped)).toBe(buildId(elfOf(fixture("shapes-dwarf5.so"))));
  expect(debugLink(stripped)?.file).toBe("shapes-stripped.debug");
  expect(debugIdOf("f1c3bcc0279865fe3058404b2831d9e64135386c", true)).toBe(
    "C0BCC3F19827FE653058404B2831D9E60",
  );
  expect(debugIdOf("10faa6bbaab83db3", true)).toBe("BBA6FA10B8AAB33D00000000000000000");
});
