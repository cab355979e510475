/** Whatever bytes come in: an answer or a PycError, in bounded time and memory. */
import {
  exceptionTable,
  locationTable,
  py,
  type PyObject,
  synthCode,
  synthPyc,
} from "@faultline/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { buildPycMap, openPycMap, pycJson, PycError, readPyc } from "../src/index.ts";
import { readCorpusPyc } from "./corpus-pycs.ts";
import { callsPyc } from "./fixtures.ts";

/** Everything that can be asked of a file: its JSON, and a map with each kind of question. */
function useAll(bytes: Uint8Array): void {
  for (const piece of pycJson(readPyc(bytes), "m.pyc")) void piece;
  const map = openPycMap(buildPycMap(bytes));
  for (let index = 0; index < Math.min(map.codeCount, 20); index++) {
    const { name, firstLine } = map.code(index);
    map.positionAt(index, 2);
    for (const line of [firstLine, firstLine + 1]) {
      map.codesAt(name, line);
      map.callSpansAt(index, line, null);
      map.callSpansAt(index, line, name, map.code(0));
      map.callSpansAt(index, line, "__add__");
    }
  }
}

/** Code of the error, "" when there is none; throws when it is not a PycError with an offset in the file. */
function outcome(bytes: Uint8Array): string {
  try {
    useAll(bytes);
  } catch (error) {
    const isOurs = error instanceof PycError && error.offset >= 0 && error.offset <= bytes.length;
    if (!isOurs) throw error;
    return error.code;
  }
  return "";
}

/** A file of every era that has a bit of everything. */
const small = (minor: number): Uint8Array => {
  const inner = py.noted(
    synthCode(minor, {
      name: "inner",
      argcount: 1,
      flags: 0xf,
      varnames: ["a", "args", "kw"],
      cellvars: ["a"],
      names: ["print"],
      code: [100, 0, 100, 0, 132, 0, 83, 0],
      consts: [py.str("naïve"), py.none],
      lineTable:
        minor >= 11
          ? locationTable(1, [{ length: 8, line: 4, endLine: 5, column: 1, endColumn: 2 }])
          : Uint8Array.of(2, 1, 2, 2),
      exceptionTable: exceptionTable([{ start: 0, end: 4, target: 6, depth: 1, lasti: true }]),
    }),
  );
  const consts: PyObject[] = [
    inner,
    py.str("inner", "z"),
    py.tuple(py.int(1), py.long(2n ** 40n), py.float(1.5), py.complexText("1.0", "2.0")),
    py.ref(0),
    py.frozenset(py.bytes([1, 2])),
    py.dict([py.str("k"), py.ellipsis]),
  ];
  const code = [100, 0, 100, 1, 132, 0, 90, 0];
  return synthPyc(minor, { name: "<module>", flags: 0x40, names: ["inner"], code, consts });
};

const eras = [0, 3, 6, 8, 10, 11, 12, 13, 14, 15];

describe.each(eras)("a file of 3.%d", (minor) => {
  const bytes = small(minor);

  test("is whole to begin with", () => {
    expect(outcome(bytes)).toBe("");
  });

  test("cut at any byte is refused", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(outcome(bytes.subarray(0, length)), `cut at ${length}`).not.toBe("");
    }
  });

  test("with any byte flipped is read or refused", () => {
    const flipped = Uint8Array.from(bytes);
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x10, 0x80, 0xff]) {
        flipped[at]! ^= mask;
        outcome(flipped);
        flipped[at]! ^= mask;
      }
    }
    expect(flipped).toEqual(bytes);
  });
});

describe("a real file", () => {
  test("cut or flipped here and there is refused or read", () => {
    const bytes = Uint8Array.from(callsPyc(13));
    for (let at = 0; at < bytes.length; at += 7) {
      expect(outcome(bytes.subarray(0, at)), `cut at ${at}`).not.toBe("");
      const mask = 1 << (at % 8);
      bytes[at]! ^= mask;
      outcome(bytes);
      bytes[at]! ^= mask;
    }
    expect(outcome(bytes)).toBe("");
  });

  test("with many random changes is refused or read", () => {
    const whole = callsPyc(12);
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        outcome(bytes);
      }),
      { numRuns: 300 },
    );
  });

  const name = "3.11/py38.pyc";
  const skipped = corpus === null ? ` (skipped: ${corpusSkipReason})` : "";
  test.skipIf(corpus === null)(`of the corpus, cut or flipped anywhere${skipped}`, () => {
    const bytes = Uint8Array.from(readCorpusPyc(name));
    for (let at = 0; at < bytes.length; at++) {
      expect(outcome(bytes.subarray(0, at)), `cut at ${at}`).not.toBe("");
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit;
        outcome(bytes);
        bytes[at]! ^= 1 << bit;
      }
    }
  });
});

/** Milliseconds that a bomb may take on a busy machine; all of them take a fraction of it. */
const PATIENCE = 10_000;

const timed = (bytes: Uint8Array): { code: string; isQuick: boolean } => {
  const start = performance.now();
  const code = outcome(bytes);
  return { code, isQuick: performance.now() - start < PATIENCE };
};

describe("a bomb", () => {
  const repeated = (bytes: readonly number[], count: number): number[] =>
    Array.from({ length: bytes.length * count }, (_, index) => bytes[index % bytes.length]!);

  test("of a million nested tuples is refused by MAX_DEPTH", () => {
    const bytes = synthPyc(13, py.raw(repeated([0x29, 1], 1_000_000)));
    expect(timed(bytes)).toEqual({ code: "limit", isQuick: true });
  });

  test("of a million nested code objects is refused by MAX_DEPTH", () => {
    // 'c', five numbers, co_code b'', co_consts a tuple of one: the next code object
    const level = [0x63, ...new Uint8Array(20), 0x73, 0, 0, 0, 0, 0x29, 1];
    const bytes = synthPyc(13, py.raw(repeated(level, 1_000_000)));
    expect(timed(bytes)).toEqual({ code: "limit", isQuick: true });
  });

  test("of code objects nested as deep as is allowed is read", () => {
    let code: PyObject = synthCode(13, { name: "x" });
    for (let depth = 0; depth < 240; depth++) {
      const inside = code;
      code = synthCode(13, { name: "x", consts: [inside] });
    }
    expect(timed(synthPyc(13, code))).toEqual({ code: "", isQuick: true });
  });

  test("of counts that claim all bytes left, level upon level, is refused", () => {
    const greedy = repeated([0x28, 0, 0, 1, 0], 13_000);
    expect(timed(synthPyc(13, py.raw(greedy)))).toMatchObject({ isQuick: true });
    expect(outcome(synthPyc(13, py.raw(greedy)))).not.toBe("");
  });

  /** Code object that refers to its tuple of strings, code and tables, which were noted first. */
  const sharing = (
    count: number,
    shared: readonly PyObject[],
    fields: Parameters<typeof synthCode>[1],
  ): Uint8Array => {
    const codes = Array.from({ length: count }, () => synthCode(13, fields));
    const notes = shared.map((object) => py.noted(object));
    return synthPyc(13, {
      name: "<module>",
      consts: [py.tuple(...notes), py.longTuple(), ...codes],
    });
  };

  test("of many code objects that share one big line table is refused by MAX_EXPANSION", () => {
    const lineTable = locationTable(
      1,
      Array.from({ length: 50_000 }, (_, line) => ({ length: 2, line, column: 1, endColumn: 2 })),
    );
    const code = py.bytes(new Uint8Array(100_000));
    const bytes = sharing(2000, [py.bytes(lineTable), code], {
      fields: { lineTable: py.ref(0), code: py.ref(1) },
    });
    expect(timed(bytes)).toEqual({ code: "limit", isQuick: true });
  });

  test("of many code objects that share one tuple of names is refused by MAX_EXPANSION", () => {
    const names = py.longTuple(...Array.from({ length: 100_000 }, () => py.str("", "z")));
    expect(timed(sharing(1000, [names], { fields: { names: py.ref(0) } }))).toEqual({
      code: "limit",
      isQuick: true,
    });
  });

  test("of many references to one long name is refused by MAX_EXPANSION", () => {
    const name = py.str("x".repeat(1_000_000), "a");
    const names = py.longTuple(...Array.from({ length: 5000 }, () => py.ref(0)));
    expect(timed(sharing(1, [name], { fields: { names } }))).toEqual({
      code: "limit",
      isQuick: true,
    });
  });

  test("of long names nested deep before 3.11, whose qualified names grow, is refused by MAX_EXPANSION", () => {
    const name = py.ref(0);
    let code: PyObject = synthCode(9, { fields: { name } });
    for (let depth = 0; depth < 900; depth++) {
      const inside = code;
      code = synthCode(9, { fields: { name, consts: py.tuple(inside) } });
    }
    const consts = py.tuple(py.noted(py.str("x".repeat(20_000))), code);
    expect(timed(synthPyc(9, { fields: { consts } }))).toEqual({ code: "limit", isQuick: true });
  });

  test("of references to references is as small as it is written", () => {
    const doubled = Array.from({ length: 5000 }, (_, index) =>
      py.noted(index === 0 ? py.tuple() : py.tuple(py.ref(index - 1), py.ref(index - 1))),
    );
    expect(timed(synthPyc(13, { consts: doubled }))).toEqual({ code: "", isQuick: true });
  });

  test("of code objects that refer to each other twice is walked once", () => {
    const chain: PyObject[] = [py.noted(synthCode(13, { name: "c0" }))];
    for (let index = 1; index < 300; index++) {
      const twice = [py.ref(index - 1), py.ref(index - 1)];
      chain.push(py.noted(synthCode(13, { name: `c${index}`, consts: twice })));
    }
    const bytes = synthPyc(13, { consts: [...chain.slice(0, -1), chain.at(-1) ?? py.none] });
    expect(timed(bytes)).toEqual({ code: "", isQuick: true });
    expect(readPyc(bytes).codes).toHaveLength(301);
  });

  test("of jumps with a full operand stack is followed within MAX_KEPT_SLOTS", () => {
    const LOAD_NAME = 92;
    const POP_JUMP_IF_NONE = 98;
    const COPY = 61;
    const loads = repeated([LOAD_NAME, 0], 1000);
    const jumps = repeated([COPY, 1, POP_JUMP_IF_NONE, 200, 0, 0], 200_000);
    const bytes = synthPyc(13, { names: ["f"], code: [...loads, ...jumps] });
    expect(timed(bytes)).toEqual({ code: "", isQuick: true });
  });

  test("of a file larger than MAX_PYC_BYTES is refused before it is looked at", () => {
    const bytes = new Uint8Array(32 * 1024 * 1024 + 1);
    expect(() => readPyc(bytes)).toThrow(
      expect.objectContaining({ code: "limit", message: expect.stringContaining("MAX_PYC_BYTES") }),
    );
  });

  test("of a line with very many calls leaves MAX_CALL_SPANS spans", () => {
    const CALL = 53;
    const count = 200_000;
    const code = repeated([CALL, 0, 0, 0, 0, 0, 0, 0], count);
    const positions = Array.from({ length: count }, (_, index) => ({
      length: 8,
      line: 1,
      column: index,
      endColumn: index + 1,
    }));
    const bytes = synthPyc(13, { code, lineTable: locationTable(1, positions) });
    const map = openPycMap(buildPycMap(bytes));
    const start = performance.now();
    expect(map.callSpansAt(0, 1, null)).toHaveLength(64);
    expect(map.callSpansAt(0, 1, "__del__")).toHaveLength(64);
    expect(performance.now() - start).toBeLessThan(PATIENCE);
  });

  test("of colliding sort keys and unsorted lines is mapped", () => {
    const CALL = 53;
    const count = 50_000;
    const code = repeated([CALL, 0, 0, 0, 0, 0, 0, 0], count);
    const positions = Array.from({ length: count }, (_, index) => ({
      length: 8,
      line: 2 * count - index,
      column: 1,
      endColumn: 2,
    }));
    const bytes = synthPyc(13, { code, lineTable: locationTable(1, positions) });
    expect(timed(bytes)).toEqual({ code: "", isQuick: true });
  });
});
