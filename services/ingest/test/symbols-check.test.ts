/** POST /api/v1/symbols/check about the Python files of a release; about native ones: native-symbols.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_CHECK_ITEMS, saveSymbolCaches } from "@faultline/shared";
import { pyc } from "./archives.ts";
import { addProject } from "./setting.ts";
import { noIds, openSymbolSetting, part, sha256, type SymbolSetting } from "./symbol-requests.ts";

let at: SymbolSetting;
beforeAll(async () => {
  at = await openSymbolSetting();
});
afterAll(() => at.close());

const source = "def run():\n    pass\n";
const module = pyc("jobs");

describe("a check", () => {
  const check = async (body: object, token?: string) =>
    at.postJson("/api/v1/symbols/check", body, token);

  test("tells by path and by hash what the release has", async () => {
    const bad = pyc("bad");
    await at.upload("check", [
      part("c/jobs.pyc", module),
      part("c/jobs.py", source),
      part("c/bad.pyc", bad),
    ]);
    const cache = { cacheVersion: 1, pythonVersion: "3.12", codeFilename: null };
    await saveSymbolCaches(at.pool, [
      { ...cache, sha256: sha256(module), error: null, cache: Buffer.from("x") },
      { ...cache, sha256: sha256(bad), error: "marshal: unknown type", cache: null },
    ]);
    const files = [
      { path: "c/__pycache__/jobs.cpython-312.pyc" },
      { path: "c/bad.py" },
      { path: "c/none.py" },
      { sha256: sha256(source).toUpperCase() },
      { sha256: "0".repeat(64) },
    ];
    const none = {
      path: null,
      sha256: null,
      kind: null,
      state: "missing",
      error: null,
      module: null,
      ...noIds,
    };
    const answer = await check({ release: "check", files });
    expect(answer.json()).toEqual({
      missing: 2,
      files: [
        {
          ...none,
          path: files[0]?.path,
          sha256: sha256(module),
          kind: "pyc",
          state: "ready",
        },
        {
          ...none,
          path: files[0]?.path,
          sha256: sha256(source),
          kind: "source",
          state: "ready",
        },
        {
          ...none,
          path: "c/bad.py",
          sha256: sha256(bad),
          kind: "pyc",
          state: "refused",
          error: "marshal: unknown type",
        },
        { ...none, path: "c/none.py" },
        { ...none, sha256: sha256(source), state: "ready" },
        { ...none, sha256: "0".repeat(64) },
      ],
    });
    const other = await check({ release: "nobody's", files });
    expect(other.json()).toMatchObject({ missing: files.length });
    const theirs = await addProject(at.pool, "theirs");
    expect((await check({ release: "check", files }, theirs.token)).json()).toMatchObject({
      missing: files.length,
    });
  });

  test.each([
    [{}],
    [{ release: "1.0" }],
    [{ release: "1.0", files: [{}] }],
    [{ release: "1.0", files: [{ path: "a\0.py" }] }],
    [{ release: "1.0", files: [{ sha256: "xyz" }] }],
    [{ release: "1.0", files: [{ path: "a.py", sha256: "0".repeat(64) }] }],
    [
      {
        release: "1.0",
        files: Array.from({ length: MAX_CHECK_ITEMS + 1 }, () => ({ path: "a.py" })),
      },
    ],
  ])("that does not fit is refused (%#)", async (body) => {
    expect((await check(body)).json()).toMatchObject({ status: 400, code: "bad-request" });
  });

  test("of as many as may be", async () => {
    const files = Array.from({ length: MAX_CHECK_ITEMS }, (_, file) => ({
      path: `some/folder/module_${file}.py`,
    }));
    expect((await check({ release: "check", files })).json()).toMatchObject({
      missing: MAX_CHECK_ITEMS,
    });
    const answer = await check({ release: "check", files, more: "x".repeat(9 << 20) });
    expect(answer.json()).toMatchObject({
      status: 413,
      detail: expect.stringContaining("MAX_CHECK_BYTES"),
    });
  });
});
