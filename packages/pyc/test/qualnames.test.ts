import { py, type PyObject, synthCode, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { readPyc } from "../src/index.ts";

/** Instructions of two bytes (3.6 and later), or of one and three. */
const assemble = (
  minor: number,
  instructions: readonly (readonly [op: number, argument?: number])[],
): number[] =>
  instructions.flatMap(([op, argument = 0]) => {
    if (minor >= 6) {
      const prefix = argument > 255 ? [144, argument >> 8] : [];
      return [...prefix, op, argument & 255];
    }
    if (op < 90) return [op];
    const prefix = argument > 0xffff ? [144, (argument >> 16) & 255, argument >> 24] : [];
    return [...prefix, op, argument & 255, (argument >> 8) & 255];
  });

const LOAD_CONST = 100;
const MAKE_FUNCTION = 132;
const STORE_NAME = 90;
const LOAD_NAME = 101;

/** A code object that makes a function of its first constant, under the name that is its second one. */
const maker = (
  minor: number,
  name: string,
  made: PyObject,
  qualname: string,
  flags = 3,
): PyObject =>
  synthCode(minor, {
    name,
    flags,
    consts: [made, py.str(qualname)],
    code: assemble(minor, [
      [LOAD_CONST, 0],
      [LOAD_CONST, 1],
      [MAKE_FUNCTION, 0],
    ]),
  });

const qualnames = (minor: number, top: PyObject): string[] =>
  readPyc(synthPyc(minor, top)).codes.map(({ qualname }) => qualname);

describe("qualified names before 3.11", () => {
  test.each([3, 5, 6, 10])("are what MAKE_FUNCTION is given (3.%d)", (minor) => {
    const inner = synthCode(minor, { name: "inner" });
    const outer = maker(minor, "outer", inner, "outer.<locals>.inner");
    expect(qualnames(minor, maker(minor, "<module>", outer, "outer", 0x40))).toEqual([
      "<module>",
      "outer",
      "outer.<locals>.inner",
    ]);
  });

  test.each([3, 6, 10])("of a class body are what it stores itself (3.%d)", (minor) => {
    const body = synthCode(minor, {
      name: "Nested",
      flags: 0,
      names: ["__name__", "__module__", "__qualname__"],
      consts: [py.str("A.Nested")],
      code: assemble(minor, [
        [LOAD_NAME, 0],
        [STORE_NAME, 1],
        [LOAD_CONST, 0],
        [STORE_NAME, 2],
      ]),
    });
    expect(qualnames(minor, maker(minor, "A", body, "Nested", 0))).toEqual([
      "<module>",
      "A.Nested",
    ]);
  });

  test.each([5, 9])("are found behind EXTENDED_ARG (3.%d)", (minor) => {
    const far = minor === 5 ? 0x10001 : 0x101;
    const made = synthCode(minor, { name: "f" });
    const consts = [made, ...Array.from({ length: far }, () => py.none)];
    consts[far] = py.str("global_f");
    const code = assemble(minor, [
      [LOAD_CONST, 0],
      [LOAD_CONST, far],
      [MAKE_FUNCTION, 0],
    ]);
    expect(
      qualnames(minor, synthCode(minor, { name: "<module>", flags: 0, consts, code }))[1],
    ).toBe("global_f");
  });

  test.each([0, 2, 9])(
    "that no bytecode tells are put together from those around (3.%d)",
    (minor) => {
      const inner = synthCode(minor, { name: "inner" });
      const method = synthCode(minor, { name: "method", consts: [inner] });
      const klass = synthCode(minor, { name: "A", flags: 0, consts: [method] });
      const top = synthCode(minor, { name: "<module>", flags: 0x40, consts: [klass] });
      expect(qualnames(minor, top)).toEqual([
        "<module>",
        "A",
        "A.method",
        "A.method.<locals>.inner",
      ]);
    },
  );

  test("of 3.11 and later are in the file", () => {
    const inner = synthCode(11, { name: "f", qualname: "C.f" });
    expect(qualnames(11, synthCode(11, { qualname: "<module>", consts: [inner] }))).toEqual([
      "<module>",
      "C.f",
    ]);
  });

  test("instructions cut off by the end of the code do no harm", () => {
    for (const code of [[100], [100, 0], [144, 0], [100, 0, 0, 132]]) {
      expect(qualnames(4, synthCode(4, { code }))).toEqual(["<module>"]);
    }
  });
});
