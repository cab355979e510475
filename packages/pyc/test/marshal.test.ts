import { py, type PyObject, type StrType, synthCode, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { type Pyc, pycJson, readPyc } from "../src/index.ts";

const json = (pyc: Pyc): { moduleConsts: (string | null)[]; codes: { path: number[] }[] } =>
  JSON.parse([...pycJson(pyc, "m.pyc")].join(""));

/** `ascii()` of the constants of a module that has them. */
const constants = (...consts: PyObject[]): (string | null)[] =>
  json(readPyc(synthPyc(15, { consts }))).moduleConsts;

const refusal = (...consts: PyObject[]): unknown => {
  try {
    readPyc(synthPyc(15, { consts }));
  } catch (error) {
    return error;
  }
  return null;
};

describe("constants", () => {
  test.each<[string, PyObject]>([
    ["None", py.none],
    ["True", py.true],
    ["False", py.false],
    ["Ellipsis", py.ellipsis],
    ["<class 'StopIteration'>", py.stopIteration],
    ["-2147483648", py.int(-(2 ** 31))],
    ["9223372036854775807", py.int64(2n ** 63n - 1n)],
    ["-9223372036854775808", py.int64(-(2n ** 63n))],
    ["0", py.long(0n)],
    ["1180591620717411303424", py.long(2n ** 70n)],
    ["-18446744073709551617", py.long(-(2n ** 64n) - 1n)],
    ["3.5", py.float(3.5)],
    ["-0.0", py.float(-0)],
    ["1e+308", py.float(1e308)],
    ["1e+16", py.float(1e16)],
    ["9999999999999998.0", py.float(9999999999999998)],
    ["0.0001", py.float(0.0001)],
    ["1e-05", py.float(0.00001)],
    ["5e-324", py.float(5e-324)],
    ["inf", py.float(Infinity)],
    ["nan", py.float(Number.NaN)],
    ["2.5", py.floatText("2.5")],
    ["-inf", py.floatText("-inf")],
    ["1j", py.complex(0, 1)],
    ["(-2.5+0j)", py.complex(-2.5, 0)],
    ["(-0-1j)", py.complex(-0, -1)],
    ["(1e+20-2j)", py.complexText("1e+20", "-2.0")],
    ["b'\\x00\\xff bytes'", py.bytes([0, 0xff, ...Buffer.from(" bytes")])],
    ['b"it\'s"', py.bytes(Buffer.from("it's"))],
    ["'\\t\\n\\r\\\\\\x1b\\x7f'", py.str("\t\n\r\\\u001B\u007F")],
    ["'caf\\xe9 \\u65e5 \\U0001f40d'", py.str("café 日 🐍")],
    ["'\\udc80'", py.str("\udc80")],
    ["'both \\' and \"'", py.str("both ' and \"")],
    ["()", py.tuple()],
    ["(1,)", py.tuple(py.int(1))],
    ["((), (1, (2,)))", py.tuple(py.tuple(), py.longTuple(py.int(1), py.tuple(py.int(2))))],
    ["[1, 2]", py.list(py.int(1), py.int(2))],
    ["{2}", py.set(py.int(2))],
    ["frozenset(['2', '3'])", py.frozenset(py.int(3), py.int(2))],
    ["{1: None, 'k': {}}", py.dict([py.int(1), py.none], [py.str("k"), py.dict()])],
    ["frozendict({1: 2})", py.frozendict([py.int(1), py.int(2)])],
    ["slice(1, None, -1)", py.slice(py.int(1), py.none, py.int(-1))],
    ["<code g>", synthCode(15, { name: "g" })],
  ])("%s", (text, object) => {
    expect(constants(object)).toEqual([text]);
  });

  test.each<StrType>(["u", "t", "a", "A", "z", "Z"])("str of type %s", (type) => {
    expect(constants(py.str("name", type))).toEqual(["'name'"]);
  });

  test("that unfold without bound are left out, and the others stay", () => {
    const doubled = (depth: number): PyObject[] =>
      Array.from({ length: depth }, (_, index) =>
        py.noted(
          index === 0 ? py.tuple(py.int(1)) : py.tuple(py.ref(index - 1), py.ref(index - 1)),
        ),
      );
    const texts = constants(...doubled(60), py.int(7));
    expect(texts.slice(0, 3)).toEqual(["(1,)", "((1,), (1,))", "(((1,), (1,)), ((1,), (1,)))"]);
    expect(texts[59]).toBeNull();
    expect(texts[60]).toBe("7");
  });

  test("keep their place however many there are", () => {
    const pairs = Array.from({ length: 1500 }, (_, index) =>
      py.tuple(py.int(index), py.tuple(py.none)),
    );
    const expected = pairs.map((_, index) => `(${index}, (None,))`);
    expect(constants(py.tuple(...pairs), ...pairs)).toEqual([
      `(${expected.join(", ")})`,
      ...expected,
    ]);
  });

  test("of a million digits are left out", () => {
    const digits = 250_000;
    const count = [digits & 255, (digits >> 8) & 255, digits >> 16, 0];
    const huge = py.raw([0x6c, ...count, ...new Uint8Array(2 * digits).fill(1)]);
    expect(constants(huge, py.int(7))).toEqual([null, "7"]);
  });
});

describe("references", () => {
  test("count containers before their children, and leaves as they come", () => {
    const pair = py.noted(py.tuple(py.noted(py.str("a")), py.noted(py.int(5))));
    expect(constants(pair, py.ref(0), py.ref(1), py.ref(2))).toEqual([
      "('a', 5)",
      "('a', 5)",
      "'a'",
      "5",
    ]);
  });

  test("to slices, sets, dicts and frozendicts", () => {
    const objects = [
      py.noted(py.slice(py.none, py.none, py.none)),
      py.noted(py.frozenset(py.int(1))),
      py.noted(py.dict([py.int(1), py.int(2)])),
      py.noted(py.frozendict()),
    ];
    const texts = constants(...objects, py.ref(0), py.ref(1), py.ref(2), py.ref(3));
    expect(texts.slice(4)).toEqual(texts.slice(0, 4));
  });

  test("do not count None and the like, as CPython does not", () => {
    expect(constants(py.noted(py.none), py.noted(py.int(3)), py.ref(0))).toEqual([
      "None",
      "3",
      "3",
    ]);
  });

  test("to a code object share it: it is listed once", () => {
    const shared = py.noted(synthCode(15, { name: "g" }));
    const { codes, moduleConsts } = json(readPyc(synthPyc(15, { consts: [shared, py.ref(0)] })));
    expect(moduleConsts).toEqual(["<code g>", "<code g>"]);
    expect(codes.map(({ path }) => path)).toEqual([[], [0]]);
  });

  test("beyond the objects so far are refused", () => {
    expect(refusal(py.noted(py.int(1)), py.ref(1))).toMatchObject({ code: "bad-reference" });
    expect(refusal(py.ref(-1))).toMatchObject({ code: "bad-reference" });
  });

  test("to the object that they are part of are refused", () => {
    expect(refusal(py.noted(py.tuple(py.ref(0))))).toMatchObject({ code: "bad-reference" });
    expect(refusal(py.noted(py.list(py.ref(0))))).toMatchObject({ code: "bad-reference" });
    const own = py.noted(synthCode(15, { consts: [py.ref(0)] }));
    expect(() => readPyc(synthPyc(15, own))).toThrow(
      expect.objectContaining({ code: "bad-reference" }),
    );
  });
});

describe("damage", () => {
  test("NULL where an object is needed", () => {
    expect(refusal(py.null)).toMatchObject({ code: "bad-type" });
    expect(refusal(py.raw([0x7b, 0x4e, 0x30]))).toMatchObject({ code: "bad-type" }); // {None: NULL
  });

  test.each([0x3f, 0x00, 0x52, 0x7f])("an unknown type 0x%x", (type) => {
    expect(refusal(py.raw([type]))).toMatchObject({ code: "bad-type" });
  });

  test("a count below zero", () => {
    expect(refusal(py.raw([0x28, 0xff, 0xff, 0xff, 0xff]))).toMatchObject({ code: "bad-length" });
    expect(refusal(py.raw([0x73, 0, 0, 0, 0x80]))).toMatchObject({ code: "bad-length" });
  });

  test("a count that the file cannot hold", () => {
    const types = Array.from("([<>sualt", (type) => type.charCodeAt(0));
    const refusals = types.map((type) => refusal(py.raw([type, 0xff, 0xff, 0xff, 0x7f])));
    expect(refusals).toEqual(types.map(() => expect.objectContaining({ code: "truncated" })));
    expect(refusal(py.raw([0x6c, 0, 0, 0, 0x80]))).toMatchObject({ code: "truncated" }); // -2^31 digits
  });

  test("counts that are too much only together", () => {
    const greedy = py.raw([0x28, 60, 0, 0, 0, 0x28, 60, 0, 0, 0, 0x28, 60, 0, 0, 0]);
    expect(refusal(greedy)).toMatchObject({ code: "truncated" });
  });

  test("a name that is not what its type says", () => {
    const bad = py.raw([0x7a, 1, 0xe9]); // ASCII: é
    const cut = py.raw([0x75, 1, 0, 0, 0, 0xe9]); // UTF-8: first of three
    const overlong = py.raw([0x75, 2, 0, 0, 0, 0xc1, 0x81]);
    for (const name of [bad, cut, overlong]) {
      const { codes } = readPyc(synthPyc(15, { fields: { name } }));
      expect(() => codes[0]?.name).toThrow(expect.objectContaining({ code: "bad-string" }));
    }
  });
});
