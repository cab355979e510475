import { type SynthModule, synthMinidump, type SynthOs } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { type Module, ModuleList, openMinidump } from "../src/index.ts";

function moduleOf(
  module: Partial<SynthModule>,
  os: SynthOs = "linux",
  endian: "little" | "big" = "little",
): Module | undefined {
  const dump = synthMinidump({ endian })
    .systemInfo({ cpu: "amd64", os })
    .module({ base: 0x7f00_0000_0000n, size: 0x2d000, name: "/usr/lib/libx.so.1", ...module });
  return openMinidump(dump.finish()).stream(ModuleList)?.[0];
}

describe("what a module is called", () => {
  test.each([
    ["/usr/lib/libx.so.1", "libx.so.1"],
    ["C:\\Windows\\System32\\ntdll.dll", "ntdll.dll"],
    ["app", "app"],
    ["", ""],
  ])("%s", (codeFile, name) =>
    expect(moduleOf({ name: codeFile })).toMatchObject({ codeFile, name }),
  );

  test("and where it was, with its version", () => {
    expect(moduleOf({ version: [10, 0, 19041, 1] })).toMatchObject({
      base: 0x7f00_0000_0000n,
      size: 0x2d000,
      version: "10.0.19041.1",
      damage: null,
    });
    expect(moduleOf({ version: [0, 0, 0, 0] })?.version).toBeNull();
    expect(moduleOf({})?.version).toBeNull();
  });
});

describe("ids of ELF", () => {
  test.each([
    ["20 bytes", "f1c3bcc0279865fe3058404b2831d9e64135386c", "C0BCC3F19827FE653058404B2831D9E60"],
    ["8 bytes, filled with zeros", "10faa6bbaab83db3", "BBA6FA10B8AAB33D00000000000000000"],
    ["16 bytes", "00112233445566778899aabbccddeeff", "33221100554477668899AABBCCDDEEFF0"],
  ])("%s", (_, buildId, debugId) => {
    expect(moduleOf({ buildId })).toMatchObject({ buildId, codeId: buildId, debugId });
  });

  test("of a big-endian machine the bytes stay in their order", () => {
    expect(moduleOf({ buildId: "00112233445566778899aabb" }, "linux", "big")?.debugId).toBe(
      "00112233445566778899AABB000000000",
    );
  });

  test.each([
    ["zero", "0000000000000000"],
    ["empty", ""],
  ])("one that is %s is none", (_, buildId) => {
    expect(moduleOf({ buildId })).toMatchObject({ buildId: null, codeId: null, debugId: null });
  });

  test("RSDS of Linux: 16 of the build id's bytes, which tell the debug id and no more", () => {
    const pdb = { guid: "c0bcc3f1-9827-fe65-3058-404b2831d9e6", age: 0, file: "libx.so.1" };
    expect(moduleOf({ pdb })).toMatchObject({
      buildId: null,
      codeId: null,
      debugId: "C0BCC3F19827FE653058404B2831D9E60",
    });
  });
});

describe("ids of PE", () => {
  const pdb = { guid: "5A9832E5-2872-41C1-838E-D98914E9B7FF", age: 0x1a, file: "test_app.pdb" };

  test.each(["little", "big"] as const)("RSDS, %s endian", (endian) => {
    expect(moduleOf({ pdb, timestamp: 0x45d35f6c }, "windows", endian)).toMatchObject({
      buildId: null,
      codeId: "45D35F6C2d000",
      debugId: "5A9832E5287241C1838ED98914E9B7FF1a",
      debugFile: "test_app.pdb",
      timestamp: 0x45d35f6c,
    });
  });

  test("NB10", () => {
    const pdb20 = { signature: 0x3d5a0001, age: 2, file: "old.pdb" };
    expect(moduleOf({ pdb20 }, "windows")).toMatchObject({
      codeId: null,
      debugId: "3D5A00012",
      debugFile: "old.pdb",
    });
  });

  test("without a record only time and size", () => {
    expect(moduleOf({ timestamp: 1 }, "windows")).toMatchObject({
      codeId: "000000012d000",
      debugId: null,
      debugFile: null,
    });
  });
});

test("Mach-O: the UUID is code id and debug id", () => {
  const pdb = { guid: "73781EDE-BF5B-34EC-81B2-749A0F1FA5FD", age: 0, file: "app" };
  expect(moduleOf({ pdb }, "macos")).toMatchObject({
    buildId: null,
    codeId: "73781edebf5b34ec81b2749a0f1fa5fd",
    debugId: "73781EDEBF5B34EC81B2749A0F1FA5FD0",
  });
});

describe("a record that identifies a module", () => {
  test("of a kind that is not known here leaves the ids null", () => {
    const cvRecord = Uint8Array.from("NB09 is old", (letter) => letter.charCodeAt(0));
    expect(moduleOf({ cvRecord })).toMatchObject({ debugId: null, damage: null });
  });

  test("that is damaged costs only the ids", () => {
    const module = moduleOf({ cvRecord: Uint8Array.of(0x52, 0x53, 0x44, 0x53, 1, 2) });
    expect(module).toMatchObject({ codeFile: "/usr/lib/libx.so.1", buildId: null, debugId: null });
    expect(module?.damage).toMatchObject({ code: "truncated" });
  });

  test("and is longer than MAX_BUILD_ID_BYTES counts as damaged", () => {
    expect(moduleOf({ buildId: "ab".repeat(257) })?.damage?.wanted).toContain("MAX_BUILD_ID_BYTES");
  });
});
