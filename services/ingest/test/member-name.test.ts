import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_SYMBOL_PATH_CHARS } from "../src/limits.ts";
import { readMemberName } from "../src/symbols/member-name.ts";

test.each([
  ["app/jobs.py", "source", "app/jobs.py", 0],
  ["app/__pycache__/jobs.cpython-312.pyc", "pyc", "app/jobs.py", 0],
  ["app/__pycache__/jobs.cpython-312.opt-1.pyc", "pyc", "app/jobs.py", 1],
  ["app/__pycache__/jobs.cpython-312.opt-2.pyc", "pyc", "app/jobs.py", 2],
  ["__pycache__/jobs.cpython-313t.pyc", "pyc", "jobs.py", 0],
  ["__pycache__/my.script.cpython-38.pyc", "pyc", "my.script.py", 0],
  ["__pycache__/jobs.pypy310.pyc", "pyc", "jobs.py", 0],
  ["__pycache__/jobs.pyc", "pyc", "jobs.py", 0],
  ["app/jobs.pyc", "pyc", "app/jobs.py", 0],
  ["app/jobs.pyo", "pyc", "app/jobs.py", 0],
  ["jobs.cpython-312.pyc", "pyc", "jobs.py", 0],
  ["jobs.cpython-312.opt-1.pyc", "pyc", "jobs.py", 1],
  ["v1.2/jobs.v2.pyc", "pyc", "v1.2/jobs.v2.py", 0],
  ["./app//jobs.py", "source", "app/jobs.py", 0],
  ["app\\sub\\jobs.pyc", "pyc", "app/sub/jobs.py", 0],
  ["__pycache__/__init__.cpython-311.pyc", "pyc", "__init__.py", 0],
  ["größe/ärger.py", "source", "größe/ärger.py", 0],
])("%s", (name, use, path, optimisation) => {
  const basename = path.split("/").at(-1);
  expect(readMemberName(name)).toEqual({ use, path, basename, optimisation });
});

test.each(["a.zip", "a.whl", "a.egg", "a.tar", "a.tar.gz", "a.TGZ", "dir/a.tar.zst"])(
  "%s is an archive",
  (name) => {
    expect(readMemberName(name)).toEqual({ use: "archive" });
  },
);

test.each(["README", "a.so", "a.pyx", "app/", "", ".", ".pyc"])("%j is nothing of ours", (name) => {
  expect(readMemberName(name)).toEqual({ use: "nothing" });
});

test.each([
  ["/etc/cron.d/jobs.py", "absolute"],
  ["\\\\server\\share\\jobs.py", "absolute"],
  ["C:\\app\\jobs.py", "absolute"],
  ["../jobs.py", ".."],
  ["app/../../jobs.pyc", ".."],
  ["app\\..\\jobs.pyc", ".."],
  ["../README", ".."],
  ["a\nb.py", "control"],
  ["a\0.py", "control"],
  ["\ud800.py", "control"],
  [`${"d/".repeat(MAX_SYMBOL_PATH_CHARS)}jobs.py`, "MAX_SYMBOL_PATH_CHARS"],
])("%j is refused", (name, reason) => {
  expect(readMemberName(name)).toMatchObject({
    use: "refused",
    reason: expect.stringContaining(reason),
  });
});

test("a drive letter behind a folder that is dropped is refused", () => {
  expect(readMemberName("__pycache__\\C:.pyc")).toEqual({
    use: "refused",
    reason: "absolute path",
  });
});

test("whatever the name, the path stays inside the upload", () => {
  const piece = fc.constantFrom(
    "..",
    ".",
    "/",
    "\\",
    "a",
    "__pycache__",
    ".py",
    ".pyc",
    ".cpython-312",
    ".opt-1",
    "C:",
    "\0",
    "é",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const name = readMemberName(pieces.join(""));
      if (name.use !== "pyc" && name.use !== "source") return;
      expect(name.path).not.toMatch(/^\/|^[A-Za-z]:|\\|\0|(^|\/)\.\.?(\/|$)|\/\//);
      expect(name.path).toMatch(/\.py$/i);
      expect(name.path.split("/").at(-1)).toBe(name.basename);
    }),
    { numRuns: 1_000 },
  );
});
