import { exceptionTable, py, synthCode, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { pycJson, readPyc } from "../src/index.ts";

const described = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse([...pycJson(readPyc(bytes), "m.pyc")].join("")).codes[0];

const refusal = (minor: number, code: Parameters<typeof synthCode>[1]): unknown => {
  try {
    readPyc(synthPyc(minor, code));
  } catch (error) {
    return error;
  }
  return null;
};

/** def f(a, /, b, *args, k, **kw): c = …, with b and a variable of an outer function in a closure. */
const function_ = {
  name: "f",
  qualname: "C.f",
  filename: "/srv/app/é.py",
  firstLine: 42,
  argcount: 2,
  kwonly: 1,
  stacksize: 5,
  flags: 0x1f,
  code: [1, 2, 3, 4],
  consts: [py.none, py.int(1)],
  names: ["print", "attr"],
  varnames: ["a", "b", "k", "args", "kw", "c"],
  cellvars: ["b", "made"],
  freevars: ["outer"],
};

describe("fields", () => {
  test.each([0, 7])("in the order of 3.0 to 3.7 (3.%d)", (minor) => {
    expect(described(synthPyc(minor, function_))).toMatchObject({
      name: "f",
      qualname: "<module>",
      filename: "/srv/app/é.py",
      firstLine: 42,
      argcount: 2,
      posonly: 0,
      kwonly: 1,
      nlocals: 6,
      stacksize: 5,
      flags: 0x1f,
      codeBytes: 4,
      nconsts: 2,
      names: ["print", "attr"],
      varnames: ["a", "b", "k", "args", "kw", "c"],
      cellvars: ["b", "made"],
      freevars: ["outer"],
      args: ["a", "b", "k"],
      varargs: "args",
      varkw: "kw",
    });
  });

  test.each([8, 10])("of 3.8 to 3.10 have positional-only arguments (3.%d)", (minor) => {
    const code = described(synthPyc(minor, { ...function_, posonly: 1 }));
    expect(code).toMatchObject({ argcount: 2, posonly: 1, kwonly: 1, args: ["a", "b", "k"] });
    expect(code).not.toHaveProperty("positions");
  });

  test.each([11, 15])("from 3.11 on have one list of locals (3.%d)", (minor) => {
    expect(described(synthPyc(minor, { ...function_, posonly: 1 }))).toMatchObject({
      qualname: "C.f",
      posonly: 1,
      nlocals: 6,
      varnames: ["a", "b", "k", "args", "kw", "c"],
      cellvars: ["b", "made"],
      freevars: ["outer"],
      args: ["a", "b", "k"],
      varargs: "args",
      varkw: "kw",
      exceptions: [],
    });
  });

  test("of 3.14 mark arguments in the kinds of locals, which changes nothing", () => {
    const marked = { varnames: py.tuple(py.str("a"), py.str("b")), kinds: py.bytes([0x26, 0x30]) };
    const code = described(synthPyc(14, { argcount: 1, fields: marked }));
    expect(code).toMatchObject({ varnames: ["a", "b"], nlocals: 2, args: ["a"] });
  });

  test("nested code objects are listed depth first, with their paths", () => {
    const leaf = synthCode(12, { name: "leaf" });
    const middle = synthCode(12, { name: "middle", consts: [py.int(1), leaf] });
    const last = synthCode(12, { name: "last" });
    const bytes = synthPyc(12, { name: "<module>", consts: [middle, py.none, last] });
    const { codes } = JSON.parse([...pycJson(readPyc(bytes), "m.pyc")].join(""));
    expect(codes.map(({ name, path }: { name: string; path: number[] }) => [name, path])).toEqual([
      ["<module>", []],
      ["middle", [0]],
      ["leaf", [0, 0]],
      ["last", [1]],
    ]);
  });
});

describe("exception tables", () => {
  const handlers = [
    { start: 4, end: 24, target: 28, depth: 0, lasti: false },
    { start: 200, end: 20_000, target: 70_000, depth: 300, lasti: true },
  ];

  test("are read back", () => {
    const table = exceptionTable(handlers);
    expect([...table.subarray(0, 4)]).toEqual([0x82, 0x0a, 0x0e, 0x00]); // the reference's example
    const [code] = readPyc(synthPyc(11, { exceptionTable: table })).codes;
    expect([...(code?.exceptions() ?? [])]).toEqual(handlers);
  });

  test("cut short or endless are refused", () => {
    for (const table of [[0x82, 0x0a, 0x0e], [0x82], [0xff, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f]]) {
      const [code] = readPyc(synthPyc(11, { exceptionTable: Uint8Array.from(table) })).codes;
      expect(() => [...(code?.exceptions() ?? [])]).toThrow(
        expect.objectContaining({ code: "bad-exception-table" }),
      );
    }
  });
});

describe("fields that cannot be", () => {
  test.each<[string, Parameters<typeof synthCode>[1]]>([
    ["co_argcount: wanted 0 or more", { argcount: -1 }],
    ["co_kwonlyargcount: wanted 0 or more", { kwonly: -1 }],
    ["co_stacksize: wanted 0 or more", { stacksize: -1 }],
    [
      "co_posonlyargcount: wanted at most co_argcount (1), found 2",
      { argcount: 1, posonly: 2, varnames: ["a"] },
    ],
    [
      "arguments: wanted 2 names in co_varnames, found 1",
      { argcount: 1, flags: 0x7, varnames: ["a"] },
    ],
    ["arguments: wanted 1 names in co_varnames, found 0", { argcount: 1, freevars: ["a"] }],
    ["co_code: wanted 2-byte instructions, found 3 bytes", { code: [1, 2, 3] }],
    ["co_code: wanted bytes", { fields: { code: py.none } }],
    ["co_consts: wanted a tuple", { fields: { consts: py.list() } }],
    ["co_names: wanted a tuple", { fields: { names: py.str("a") } }],
    ["co_names: wanted str", { fields: { names: py.tuple(py.bytes([1])) } }],
    ["co_filename: wanted str", { fields: { filename: py.none } }],
    ["co_name: wanted str", { fields: { name: py.int(1) } }],
    ["co_qualname: wanted str", { fields: { qualname: py.tuple() } }],
    ["co_linetable: wanted bytes", { fields: { lineTable: py.str("") } }],
    ["co_exceptiontable: wanted bytes", { fields: { exceptionTable: py.none } }],
    [
      "co_localspluskinds: wanted 1 bytes, found 2",
      { varnames: ["a"], fields: { kinds: py.bytes([0x20, 0x20]) } },
    ],
  ])("%s", (message, code) => {
    const error = refusal(13, code);
    expect(error).toMatchObject({ name: "PycError", code: "bad-code", offset: 16 });
    expect(error).toHaveProperty("message", expect.stringContaining(message));
  });

  test("instructions of odd length are those of 3.0 to 3.5", () => {
    expect(refusal(5, { code: [83] })).toBeNull();
  });
});
