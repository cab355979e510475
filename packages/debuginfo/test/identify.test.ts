/** What a file is by its headers, and the ids that join split units. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import {
  bytesSource,
  DebugInfoError,
  identifyNative,
  type NativeIdentity,
  skeletonIds,
  splitUnitIds,
} from "../src/index.ts";
import { elfOf, fixture } from "./fixture.ts";
import { abbreviations, elfWith, u32, u64, unit4 } from "./synthetic-elf.ts";

const identify = (bytes: Uint8Array): NativeIdentity => identifyNative(bytesSource(bytes));

/** Whether the bytes are identified or refused with a code; anything else is thrown on. */
function answers(bytes: Uint8Array): boolean {
  try {
    return identify(bytes).machine.length > 0;
  } catch (error) {
    if (error instanceof DebugInfoError) return true;
    throw error;
  }
}

const shapes = {
  kind: "object",
  os: null,
  machine: "x86_64",
  buildId: "969250acdf5b15308a217864ffedcdf295043a4f",
  debugId: "AC5092965BDF30158A217864FFEDCDF20",
  hasDebugInfo: true,
  hasSplitUnits: false,
  symbols: "symtab",
  hasUnwind: true,
};

describe("fixtures", () => {
  test.each([
    ["shapes-dwarf5.so", shapes],
    ["shapes-stripped.so", { ...shapes, hasDebugInfo: false, symbols: "dynsym" }],
    ["shapes-stripped.debug", { ...shapes, kind: "debug", hasUnwind: false }],
    ["shapes-minidebug.so", { ...shapes, hasDebugInfo: false, symbols: "minidebug" }],
    [
      "shapes-zdebug.so",
      {
        ...shapes,
        buildId: "e7a00e4a4710a5ff9a778526133dc569719b0b5b",
        debugId: "4A0EA0E71047FFA59A778526133DC5690",
      },
    ],
  ])("%s", (name, wanted) => expect(identify(fixture(name))).toEqual(wanted));

  test("cut at any byte: refused with a code", () => {
    const whole = fixture("shapes-stripped.so");
    for (let length = 0; length < whole.length; length += 1)
      expect(() => identify(whole.subarray(0, length)), `cut at ${length}`).toThrow(DebugInfoError);
  });

  test("damaged in any way: identified or refused with a code", () => {
    const whole = fixture("shapes-stripped.so");
    const change = fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at % 256 < 64 ? at % 64 : at] = value;
        expect(answers(bytes)).toBe(true);
      }),
    );
  });
});

describe("by the sections there are", () => {
  const some = Buffer.from([1]);
  // the builder's .text has no bytes in the file: what a debug file looks like
  test.each([
    ["debug", { ".debug_info": some }, { hasDebugInfo: true }],
    ["debug", { ".debug_info": some, ".debug_info.dwo": some }, { hasSplitUnits: true }],
  ])("%s %j", (kind, sections, wanted) =>
    expect(identify(elfWith(sections))).toMatchObject({ kind, ...wanted }),
  );

  const withoutText = (sections: Readonly<Record<string, Uint8Array>>): Uint8Array => {
    const bytes = Buffer.from(elfWith(sections));
    const tables = Number(bytes.readBigUInt64LE(40));
    bytes.fill(0, tables + 64, tables + 128);
    return bytes;
  };
  test.each([
    ["supplementary", { ".debug_info": some }],
    ["dwo", { ".debug_info.dwo": some, ".debug_abbrev.dwo": some }],
    ["dwp", { ".debug_info.dwo": some, ".debug_cu_index": some }],
  ])("%s: nothing of it is mapped", (kind, sections) =>
    expect(identify(withoutText(sections))).toMatchObject({ kind, buildId: null, debugId: null }),
  );

  test("neither code nor debug information is refused, and so is a core dump", () => {
    expect(() => identify(withoutText({ ".comment": some }))).toThrow(/neither code nor debug/);
    const core = Buffer.from(fixture("shapes-dwarf5.so"));
    core.writeUInt16LE(4, 16);
    expect(() => identify(core)).toThrow(/core dump/);
  });
});

describe("a .sym", () => {
  const sym = (os: string, rest: string): NativeIdentity =>
    identify(
      Buffer.from(`MODULE ${os} x86_64 AC5092965BDF30158A217864FFEDCDF20 libshapes.so\n${rest}`),
    );

  test("has the debug id of its first line, and the code id where that is a build id", () => {
    const code = "INFO CODE_ID 969250ACDF5B15308A217864FFEDCDF295043A4F\n";
    const wanted = { ...shapes, kind: "breakpad", os: "Linux" };
    expect(sym("Linux", code)).toEqual(wanted);
    expect(sym("Linux", "FUNC 10 8 0 main\n")).toEqual({ ...wanted, buildId: null });
    expect(sym("windows", "INFO CODE_ID 5F5E100A1B000 app.exe\n")).toMatchObject({
      os: "windows",
      buildId: null,
    });
  });

  test("with a build id longer than any is refused", () => {
    expect(() => sym("Linux", `INFO CODE_ID ${"ab".repeat(65)}\n`)).toThrow(/MAX_BUILD_ID_BYTES/);
  });

  test("without an id is refused", () => {
    expect(() => identify(Buffer.from("MODULE Linux x86_64 none app\n"))).toThrow(DebugInfoError);
  });
});

describe("ids of split units", () => {
  /** DWARF 4: DW_TAG_compile_unit, DW_AT_GNU_dwo_id as data8. */
  const skeleton = (id: bigint): Record<string, Uint8Array> => ({
    ".debug_abbrev": abbreviations([1, 0x11, 0, 0x2131, 0x07]),
    ".debug_info": unit4(Buffer.from([1, ...u64(id)])),
    ".debug_addr": Buffer.alloc(8),
  });
  const split = Object.fromEntries(
    Object.entries(skeleton(0x0123_4567_89ab_cdefn)).map(([name, bytes]) => [`${name}.dwo`, bytes]),
  );
  /** Version 2, no columns: the hash table of two slots, of which one is used. */
  const index = Buffer.from([
    ...[2, 0, 1, 2].flatMap(u32),
    ...u64(0),
    ...u64(0x0123_4567_89ab_cdefn),
    ...[0, 1].flatMap(u32),
  ]);

  test("a skeleton, its .dwo and a .dwp say the same one", () => {
    const id = ["0123456789abcdef"];
    expect(skeletonIds(elfOf(elfWith(skeleton(0x0123_4567_89ab_cdefn))))).toEqual(id);
    expect(splitUnitIds(elfOf(elfWith(split)))).toEqual(id);
    expect(splitUnitIds(elfOf(elfWith({ ".debug_cu_index": index })))).toEqual(id);
  });

  test("an object without skeletons has none; an index that lies is refused", () => {
    expect(skeletonIds(elfOf(fixture("shapes-dwarf5.so")))).toEqual([]);
    for (const slots of [3, 1_000_000, 0xffff_ffff]) {
      const lying = Buffer.from(index);
      lying.writeUInt32LE(slots, 12);
      expect(() => splitUnitIds(elfOf(elfWith({ ".debug_cu_index": lying })))).toThrow(
        DebugInfoError,
      );
    }
  });

  test.skipIf(corpus === null)(
    `of real files of both compilers and versions (skipped where ${corpusSkipReason})`,
    () => {
      const folder = join(corpus as string, "public/gimli-rs__object-testfiles/dwarf");
      const read = (name: string): Uint8Array => readFileSync(join(folder, name));
      for (const name of ["base-clang-split-v4", "base-clang-split-v5", "base-gcc-split"]) {
        const ids = skeletonIds(elfOf(read(name)));
        expect(ids).toHaveLength(1);
        for (const file of [`${name}-base.dwo`, `${name}.dwp`])
          expect(splitUnitIds(elfOf(read(file)))).toEqual(ids);
      }
    },
  );
});
