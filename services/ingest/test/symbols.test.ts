/** POST /api/v1/symbols and /symbols/check. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INLINE_BYTES, MAX_CHECK_ITEMS, openQueue, saveSymbolCaches } from "@faultline/shared";
import { MAX_FIELD_BYTES, MAX_LISTED_FILES } from "../src/limits.ts";
import { pyc, tar, zip } from "./archives.ts";
import { describeAnswers, type Answer, type Described } from "./described.ts";
import {
  addProject,
  addToken,
  bearer,
  form,
  inTime,
  openSetting,
  type Setting,
  type TestPart,
} from "./setting.ts";

let at: Setting;
let described: Described;
let base: string;
beforeAll(async () => {
  at = await openSetting();
  base = await at.app.listen({ port: 0, host: "127.0.0.1" });
  described = await describeAnswers(at.app);
});
afterAll(() => at.close());

interface FileAnswer {
  readonly name: string;
  readonly path: string | null;
  readonly status: string;
  readonly as: string | null;
  readonly reason: string | null;
  readonly sha256: string | null;
}

interface UploadAnswer {
  readonly release: string;
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly skipped: number;
  readonly files: readonly FileAnswer[];
  readonly omitted: number;
}

async function post(
  url: string,
  request: { headers: Record<string, string>; payload: Buffer },
  token = at.token,
): Promise<Answer & { json: () => unknown }> {
  const answer = await fetch(`${base}${url}`, {
    method: "POST",
    headers: { ...bearer(token), ...request.headers },
    body: new Uint8Array(request.payload),
  });
  const body = await answer.text();
  const found = { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body };
  described.check("POST", url, found);
  return { ...found, json: () => JSON.parse(body) as unknown };
}

async function upload(release: string, parts: readonly TestPart[]): Promise<UploadAnswer> {
  const answer = await post(
    "/api/v1/symbols",
    form([{ name: "release", body: release }, ...parts]),
  );
  expect(answer.statusCode, `says ${answer.body}`).toBe(200);
  return answer.json() as UploadAnswer;
}

const part = (filename: string, body: string | Buffer): TestPart => ({
  name: "file",
  filename,
  body,
});
const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");
const statuses = ({ files }: UploadAnswer): string[] =>
  files.map(({ name, status }) => `${name} ${status}`);

const noIds = { buildId: null, debugId: null };
const source = "def run():\n    pass\n";
const module = pyc("jobs");

async function stored(release: string): Promise<Record<string, string>> {
  const { rows } = await at.pool.query<{
    path: string;
    kind: string;
    content: Buffer | null;
    blob: string | null;
  }>(
    `select p.path, p.kind, f.content, f.blob from release_files p join releases r on r.id = p.release_id join symbol_files f using (sha256)
      where r.name = $1 and r.project_id = $2 order by p.path, p.kind`,
    [release, at.projectId],
  );
  return Object.fromEntries(
    rows.map((row) => [
      `${row.kind}:${row.path}`,
      row.content?.toString("latin1") ?? `blob ${row.blob}`,
    ]),
  );
}

describe("an upload", () => {
  test("of files and archives: accepted as what, or refused and why", async () => {
    const archive = zip([
      { name: "app/__pycache__/jobs.cpython-312.pyc", bytes: module },
      { name: "app/jobs.py", bytes: Buffer.from(source) },
      { name: "app/data.json", bytes: Buffer.from("{}") },
      { name: "../evil.py", bytes: Buffer.from(source) },
    ]);
    const answer = await upload("1.0", [
      part("symbols.zip", archive),
      part("lib/util.py", source),
      part("lib/fake.pyc", "no magic"),
      part("core", "core"),
    ]);
    expect(answer).toEqual({
      release: "1.0",
      accepted: 3,
      duplicate: 0,
      refused: 3,
      skipped: 1,
      omitted: 0,
      files: [
        {
          name: "symbols.zip!/../evil.py",
          path: null,
          status: "refused",
          as: null,
          reason: expect.stringContaining(".."),
          sha256: null,
          ...noIds,
        },
        {
          name: "lib/fake.pyc",
          path: "lib/fake.py",
          status: "refused",
          as: null,
          reason: expect.stringContaining("6e6f206d"),
          sha256: null,
          ...noIds,
        },
        {
          name: "core",
          path: null,
          status: "refused",
          as: null,
          reason: expect.stringContaining(".pyc"),
          sha256: null,
          ...noIds,
        },
        {
          name: "symbols.zip!/app/__pycache__/jobs.cpython-312.pyc",
          path: "app/jobs.py",
          status: "accepted",
          as: "pyc 3.12",
          reason: null,
          sha256: sha256(module),
          ...noIds,
        },
        {
          name: "symbols.zip!/app/jobs.py",
          path: "app/jobs.py",
          status: "accepted",
          as: "source",
          reason: null,
          sha256: sha256(source),
          ...noIds,
        },
        {
          name: "lib/util.py",
          path: "lib/util.py",
          status: "accepted",
          as: "source",
          reason: null,
          sha256: sha256(source),
          ...noIds,
        },
      ],
    });
    expect(await stored("1.0")).toEqual({
      "pyc:app/jobs.py": module.toString("latin1"),
      "source:app/jobs.py": source,
      "source:lib/util.py": source,
    });
  });

  test("again is a duplicate; a changed file is accepted", async () => {
    const parts = [part("a.py", "1"), part("a.pyc", pyc("1"))];
    expect(statuses(await upload("again", parts))).toEqual(["a.py accepted", "a.pyc accepted"]);
    expect(statuses(await upload("again", parts))).toEqual(["a.py duplicate", "a.pyc duplicate"]);
    expect(statuses(await upload("again", [part("a.py", "2")]))).toEqual(["a.py accepted"]);
    expect(statuses(await upload("another", parts))).toEqual(["a.py accepted", "a.pyc accepted"]);
  });

  test("with several files for one path: the one optimised least, said of the others, the same every time", async () => {
    const cache = "app/__pycache__/jobs.cpython-312";
    const archive = tar([
      { name: `${cache}.opt-1.pyc`, bytes: pyc("opt 1") },
      { name: `${cache}.opt-2.pyc`, bytes: pyc("opt 2") },
      { name: `${cache}.pyc`, bytes: pyc("plain") },
    ]);
    for (const status of ["accepted", "duplicate"]) {
      const answer = await upload("variants", [part("app.tar.gz", gzipSync(archive))]);
      expect(statuses(answer)).toEqual([
        `app.tar.gz!/${cache}.opt-1.pyc refused`,
        `app.tar.gz!/${cache}.opt-2.pyc refused`,
        `app.tar.gz!/${cache}.pyc ${status}`,
      ]);
      expect(answer.files[0]?.reason).toContain(`${cache}.pyc`);
      expect(await stored("variants")).toEqual({
        "pyc:app/jobs.py": pyc("plain").toString("latin1"),
      });
    }
  });

  test("of a large file: its bytes are a blob", async () => {
    const large = "x = 1\n".repeat(INLINE_BYTES);
    await upload("large", [
      part("big.py", large),
      part("big.zip", zip([{ name: "big2.py", bytes: Buffer.from(large) }])),
    ]);
    const blob = sha256(large);
    expect(await stored("large")).toEqual({
      "source:big.py": `blob ${blob}`,
      "source:big2.py": `blob ${blob}`,
    });
    expect(await readdir(join(at.config.blobs, blob.slice(0, 2)))).toContain(blob);
    expect(await readdir(join(at.config.blobs, "tmp"))).toEqual([]);
  });

  test("of many: all stored, so many listed, jobs of two hundred", async () => {
    const queue = openQueue(at.config, "symbols", () => undefined);
    const before = await queue.depth();
    const count = MAX_LISTED_FILES + 205;
    const archive = zip(
      Array.from({ length: count }, (_, file) => ({
        name: `m${file}.pyc`,
        bytes: pyc(`many ${file}`),
      })),
    );
    const answer = await upload("many", [part("many.zip", archive)]);
    expect(answer).toMatchObject({ accepted: count, refused: 0, omitted: 205 });
    expect(answer.files).toHaveLength(MAX_LISTED_FILES);
    expect(Object.keys(await stored("many"))).toHaveLength(count);
    expect((await queue.depth()) - before).toBe(Math.ceil(count / 200));
    await queue.close();
  });

  test("leaves no file of its own behind", async () => {
    await upload("tidy", [
      part(
        "t.zip",
        zip([
          {
            name: "i.zip",
            bytes: zip([
              { name: "a.py", bytes: Buffer.from("x".repeat(INLINE_BYTES * 3)), stored: true },
            ]),
          },
        ]),
      ),
    ]);
    expect(await readdir(join(at.config.spool, "uploads"))).toEqual([]);
  });

  test("ended half way: what is stored is whole, and a repeat goes on from there", async () => {
    const { port } = new URL(base);
    const parts = [1, 2, 3].map((file) =>
      part(
        `half${file}.zip`,
        zip([
          {
            name: `half${file}.py`,
            bytes: Buffer.alloc(INLINE_BYTES * 2, `${file}`),
            stored: true,
          },
        ]),
      ),
    );
    const { headers, payload } = form([{ name: "release", body: "half" }, ...parts]);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `POST /api/v1/symbols HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${at.token}\r\ncontent-type: ${headers["content-type"]}\r\ncontent-length: ${payload.length}\r\n\r\n`,
    );
    socket.write(payload.subarray(0, payload.length - 1_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
    await once(socket, "close");
    await expect.poll(() => readdir(join(at.config.spool, "uploads")), inTime).toEqual([]);
    for (const [name, content] of Object.entries(await stored("half"))) {
      expect(content).toBe(`blob ${sha256(Buffer.alloc(INLINE_BYTES * 2, name.at(-4)))}`);
    }
    const answer = await upload("half", parts);
    expect(answer).toMatchObject({ refused: 0 });
    expect(Object.keys(await stored("half"))).toEqual([
      "source:half1.py",
      "source:half2.py",
      "source:half3.py",
    ]);
  });
});

describe("an upload is refused", () => {
  const file = part("a.py", "1");
  test.each([
    ["without a release", 400, "no-release", () => form([file])],
    [
      "with the release behind the files",
      400,
      "no-release",
      () => form([file, { name: "release", body: "1.0" }]),
    ],
    ["without a file", 400, "no-file", () => form([{ name: "release", body: "1.0" }])],
    [
      "with an empty release",
      400,
      "no-release",
      () => form([{ name: "release", body: " " }, file]),
    ],
    [
      "with an endless release",
      413,
      "too-large",
      () => form([{ name: "release", body: "x".repeat(MAX_FIELD_BYTES + 1) }, file]),
    ],
    [
      "as no form",
      415,
      "unsupported-media-type",
      () => ({ headers: { "content-type": "application/zip" }, payload: zip([]) }),
    ],
    [
      "when cut short",
      400,
      "bad-body",
      () => ({
        ...form([{ name: "release", body: "cut" }]),
        payload: form([{ name: "release", body: "cut" }]).payload.subarray(0, -10),
      }),
    ],
  ])("%s", async (_name, status, code, request) => {
    const answer = await post("/api/v1/symbols", request());
    expect(answer.json()).toMatchObject({ status, code });
    expect(await readdir(join(at.config.spool, "uploads"))).toEqual([]);
  });

  test("for a token without the scope, of another project, or of all without saying which", async () => {
    const request = form([file]);
    const read = await addToken(at.pool, at.projectId, ["read", "admin"]);
    expect((await post("/api/v1/symbols?release=1.0", request, read)).json()).toMatchObject({
      code: "missing-scope",
    });
    await addProject(at.pool, "other");
    expect((await post("/api/v1/symbols?release=1.0&project=other", request)).json()).toMatchObject(
      { code: "not-found" },
    );
    const all = await addToken(at.pool, null, ["symbols"]);
    expect((await post("/api/v1/symbols?release=1.0", request, all)).json()).toMatchObject({
      code: "no-project",
    });
    expect((await post("/api/v1/symbols?release=all&project=shop", request, all)).statusCode).toBe(
      200,
    );
    expect(await stored("all")).toEqual({ "source:a.py": "1" });
  });
});

describe("a check", () => {
  const check = async (body: object, token?: string) =>
    post(
      "/api/v1/symbols/check",
      {
        headers: { "content-type": "application/json" },
        payload: Buffer.from(JSON.stringify(body)),
      },
      token,
    );

  test("tells by path and by hash what the release has", async () => {
    const bad = pyc("bad");
    await upload("check", [
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
