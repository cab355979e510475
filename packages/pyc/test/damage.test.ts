import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { buildPycMap, openPycMap, pycJson, PycError, readPyc } from "../src/index.ts";

/** What is wrong with how `work` ends: nothing when it answers, or refuses with a code and a place. */
function fault(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof PycError)) return String(error);
    return error.offset >= 0 ? null : `${error.code} at ${error.offset}`;
  }
}

/** Reads everything a file has, builds its map and asks that. */
const useAll = (bytes: Uint8Array) => (): void => {
  for (const piece of pycJson(readPyc(bytes), "x.pyc")) void piece;
  ask(buildPycMap(bytes));
};

function ask(bytes: Uint8Array): void {
  const map = openPycMap(bytes);
  for (let index = 0; index < Math.min(map.codeCount, 20); index += 1) {
    const { name, firstLine } = map.code(index);
    map.codesNamed(name);
    map.codesAt(name, firstLine + 1);
    map.positionAt(index, 4);
    map.callSpansAt(index, firstLine + 1, null);
  }
}

function flipped(whole: Uint8Array, at: number): Uint8Array {
  const damaged = whole.slice();
  damaged[at] = (damaged[at] as number) ^ 0xff;
  return damaged;
}

const faults = (all: readonly (string | null)[]): string[] => all.filter((found) => found !== null);
const offsets = (length: number): number[] => Array.from({ length }, (_, at) => at);

/** A small file of each line-table format. */
const corpusFiles = [
  "3.6/py38",
  "3.8/py38",
  "3.10/py310",
  "3.11/py311",
  "3.13/py312",
  "3.14/py314",
];

function corpusFile(name: string): Uint8Array | null {
  try {
    return Uint8Array.from(readFileSync(join(corpus ?? "", "python", "pyc", `${name}.pyc`)));
  } catch {
    return null;
  }
}

const skipped = corpus === null ? ` (skipped: ${corpusSkipReason})` : "";

describe.skipIf(corpus === null)(`damaged files of the corpus${skipped}`, () => {
  const files = corpusFiles.flatMap((name) => {
    const bytes = corpusFile(name);
    return bytes === null ? [] : [{ name, bytes }];
  });

  test("there are some of several formats", () => {
    expect(files.length).toBeGreaterThan(2);
  });

  test.each(files)("$name cut at any byte answers or says where", ({ bytes }) => {
    const cuts = offsets(bytes.length).map((length) => fault(useAll(bytes.slice(0, length))));
    expect(faults(cuts)).toEqual([]);
  });

  test.each(files)("$name with any byte flipped answers or says where", ({ bytes }) => {
    const flips = offsets(bytes.length).map((at) => fault(useAll(flipped(bytes, at))));
    expect(faults(flips)).toEqual([]);
  });

  test.each(files)("$name with many random changes answers or says where", ({ bytes }) => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), (changes) => {
        const damaged = bytes.slice();
        for (const [at, byte] of changes) damaged[at] = byte;
        expect(fault(useAll(damaged))).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test.each(files)(
    "the map of $name cut or flipped anywhere answers or is refused",
    ({ bytes }) => {
      const map = Uint8Array.from(buildPycMap(bytes));
      const cuts = offsets(map.length).map((length) => fault(() => ask(map.slice(0, length))));
      const flips = offsets(map.length).map((at) => fault(() => ask(flipped(map, at))));
      expect(faults([...cuts, ...flips])).toEqual([]);
    },
  );
});

/** CPython 3.8: PEP 552 header, then what follows. */
const file38 = (...body: number[]): Uint8Array =>
  Uint8Array.from([0x55, 0x0d, 0x0d, 0x0a, ...Array.from({ length: 12 }, () => 0), ...body]);

describe("marshal bombs", () => {
  test("a count beyond the file is refused before anything is made of it", () => {
    expect(() => readPyc(file38(0x28, 0xff, 0xff, 0xff, 0x7f))).toThrow(PycError);
    expect(() => readPyc(file38(0x73, 0xff, 0xff, 0xff, 0x7f))).toThrow(PycError);
  });

  test("nesting beyond the limit is refused, not followed", () => {
    const deep = Buffer.concat([
      file38(),
      Buffer.alloc(400_000, "2901", "hex"),
      Buffer.from("4e", "hex"),
    ]);
    expect(() => readPyc(deep)).toThrow(/MAX_DEPTH/);
  });

  test("references that would unfold to 2^60 objects cost nothing", () => {
    // t0 = (None, None); each further tuple holds the one before twice, by reference
    const body = [0xa9, 0x02, 0x4e, 0x4e];
    for (let index = 0; index < 60; index += 1) {
      body.unshift(0xa9, 0x02);
      body.push(0x72, 60 - index, 0, 0, 0);
    }
    expect(fault(useAll(file38(...body)))).toBeNull();
  });

  test("a tuple that holds itself is refused or read, never walked for ever", () => {
    expect(fault(useAll(file38(0xa9, 0x01, 0x72, 0, 0, 0, 0)))).toBeNull();
  });
});

function python(): string | null {
  try {
    return execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
      encoding: "utf8",
    }).trim();
  } catch {
    return null;
  }
}

const interpreter = python();

test.skipIf(interpreter === null)(
  `this machine's own Python compiles what is read here${interpreter === null ? " (skipped: no python3 here)" : ""}`,
  () => {
    const script = `
import importlib.util, marshal, sys
code = compile("class A:\\n    def f(self, x, *a, k=1, **kw):\\n        return [g(\\n            x) for _ in a]\\n", "/srv/app.py", "exec")
sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
`;
    const bytes = execFileSync(interpreter ?? "", ["-c", script]);
    const map = openPycMap(buildPycMap(bytes));
    const [index] = map.codesNamed("f");
    expect(map.code(index ?? -1)).toMatchObject({
      qualname: "A.f",
      firstLine: 2,
      arguments: ["self", "x", "k", "*a", "**kw"],
    });
    expect(map.filename).toBe("/srv/app.py");
  },
);
