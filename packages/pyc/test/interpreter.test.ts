/** What this machine's own Python compiles, whichever it is, against what it says of it. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { buildPycMap, openPycMap, pycJson, readPyc } from "../src/index.ts";

const source = `
class A:
    def f(self, x, *a, k=1, **kw):
        return [g(
            x) for _ in a] + (lambda: x)()
`;

/** Header and code object on stdout; then, on a line of its own, the lines that the interpreter tells. */
const script = `
import dis, importlib.util, marshal, sys
module = compile(${JSON.stringify(source)}, "/srv/app.py", "exec", dont_inherit=True)
f = next(c for c in module.co_consts[0].co_consts if hasattr(c, "co_code") and c.co_name == "f")
data = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(module)
print(sys.version_info[0], sys.version_info[1], data.hex(), list(map(list, dis.findlinestarts(f))), sep=";")
`;

interface Told {
  readonly minor: number;
  readonly bytes: Uint8Array;
  readonly lineStarts: string;
}

/** Null where there is no Python from 3.7 to 3.15. */
function askPython(): Told | null {
  let text = "";
  try {
    text = execFileSync("python3", ["-c", script], { encoding: "utf8", stdio: "pipe" });
  } catch {
    return null;
  }
  const [major, minor, hex = "", lineStarts = ""] = text.trim().split(";");
  const isKnown = major === "3" && Number(minor) >= 7 && Number(minor) <= 15;
  return isKnown ? { minor: Number(minor), bytes: Buffer.from(hex, "hex"), lineStarts } : null;
}

const told = askPython();
const skipped = told === null ? " (skipped: no python3 of a version that is read)" : "";

describe.skipIf(told === null)(`this machine's own Python${skipped}`, () => {
  const { minor, bytes, lineStarts } = told ?? {
    minor: 0,
    bytes: new Uint8Array(0),
    lineStarts: "",
  };

  test("compiles what is read here", () => {
    const document = JSON.parse([...pycJson(readPyc(bytes), "app.pyc")].join(""));
    const f = document.codes.find(({ name }: { name: string }) => name === "f");
    expect(document.python).toBe(`3.${minor}`);
    expect(f).toMatchObject({
      qualname: "A.f",
      firstLine: 3,
      args: ["self", "x", "k"],
      varargs: "a",
      varkw: "kw",
    });
    expect(JSON.stringify(f.lineStarts)).toBe(
      lineStarts.replaceAll(" ", "").replaceAll("None", "null"),
    );
  });

  test("compiles what is mapped here", () => {
    const map = openPycMap(buildPycMap(bytes));
    const [index] = map.codesNamed("f");
    expect(map.code(index ?? -1)).toMatchObject({
      qualname: "A.f",
      arguments: ["self", "x", "k", "*a", "**kw"],
    });
    expect(map.filename).toBe("/srv/app.py");
  });
});
