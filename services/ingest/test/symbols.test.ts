/** POST /api/v1/symbols with Python files; native ones: native-symbols.test.ts. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INLINE_BYTES, openQueue } from "@faultline/shared";
import { MAX_FIELD_BYTES, MAX_LISTED_FILES } from "../src/limits.ts";
import { MAGIC_3_13, pyc, tar, zip } from "./archives.ts";
import { addProject, addToken, form, inTime } from "./setting.ts";
import {
  noIds,
  openSymbolSetting,
  part,
  sha256,
  statuses,
  type SymbolSetting,
} from "./symbol-requests.ts";

let at: SymbolSetting;
beforeAll(async () => {
  at = await openSymbolSetting();
});
afterAll(() => at.close());

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
    const answer = await at.upload("1.0", [
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
    expect(statuses(await at.upload("again", parts))).toEqual(["a.py accepted", "a.pyc accepted"]);
    expect(statuses(await at.upload("again", parts))).toEqual([
      "a.py duplicate",
      "a.pyc duplicate",
    ]);
    expect(statuses(await at.upload("again", [part("a.py", "2")]))).toEqual(["a.py accepted"]);
    expect(statuses(await at.upload("another", parts))).toEqual([
      "a.py accepted",
      "a.pyc accepted",
    ]);
  });

  test("with several files for one path: the one optimised least, said of the others, the same every time", async () => {
    const cache = "app/__pycache__/jobs.cpython-312";
    const archive = tar([
      { name: `${cache}.opt-1.pyc`, bytes: pyc("opt 1") },
      { name: `${cache}.opt-2.pyc`, bytes: pyc("opt 2") },
      { name: `${cache}.pyc`, bytes: pyc("plain") },
    ]);
    for (const status of ["accepted", "duplicate"]) {
      const answer = await at.upload("variants", [part("app.tar.gz", gzipSync(archive))]);
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

  test("compiled for several versions of Python: all of them", async () => {
    const cache = "app/__pycache__/jobs.cpython";
    const archive = zip([
      { name: `${cache}-312.pyc`, bytes: pyc("for 3.12") },
      { name: `${cache}-313.pyc`, bytes: pyc("for 3.13", MAGIC_3_13) },
      { name: `${cache}-313.opt-1.pyc`, bytes: pyc("optimised", MAGIC_3_13) },
    ]);
    const answer = await at.upload("versions", [part("app.zip", archive)]);
    expect(answer.files.map(({ status, as }) => [status, as])).toEqual([
      ["refused", null],
      ["accepted", "pyc 3.12"],
      ["accepted", "pyc 3.13"],
    ]);
    expect(await at.upload("versions", [part("app.zip", archive)])).toMatchObject({ duplicate: 2 });
    const files = [{ path: "app/jobs.py" }];
    const checked = await at.postJson("/api/v1/symbols/check", { release: "versions", files });
    expect(checked.json()).toMatchObject({
      missing: 0,
      files: [{ kind: "pyc" }, { kind: "pyc" }],
    });
  });

  test("of a large file: its bytes are a blob", async () => {
    const large = "x = 1\n".repeat(INLINE_BYTES);
    await at.upload("large", [
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
    const answer = await at.upload("many", [part("many.zip", archive)]);
    expect(answer).toMatchObject({ accepted: count, refused: 0, omitted: 205 });
    expect(answer.files).toHaveLength(MAX_LISTED_FILES);
    expect(Object.keys(await stored("many"))).toHaveLength(count);
    expect((await queue.depth()) - before).toBe(Math.ceil(count / 200));
    await queue.close();
  });

  test("leaves no file of its own behind", async () => {
    await at.upload("tidy", [
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
    const { port } = new URL(at.base);
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
    const answer = await at.upload("half", parts);
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
    const answer = await at.post("/api/v1/symbols", request());
    expect(answer.json()).toMatchObject({ status, code });
    expect(await readdir(join(at.config.spool, "uploads"))).toEqual([]);
  });

  test("for a token without the scope, of another project, or of all without saying which", async () => {
    const request = form([file]);
    const read = await addToken(at.pool, at.projectId, ["read", "admin"]);
    expect((await at.post("/api/v1/symbols?release=1.0", request, read)).json()).toMatchObject({
      code: "missing-scope",
    });
    await addProject(at.pool, "other");
    expect(
      (await at.post("/api/v1/symbols?release=1.0&project=other", request)).json(),
    ).toMatchObject({ code: "not-found" });
    const all = await addToken(at.pool, null, ["symbols"]);
    expect((await at.post("/api/v1/symbols?release=1.0", request, all)).json()).toMatchObject({
      code: "no-project",
    });
    expect(
      (await at.post("/api/v1/symbols?release=all&project=shop", request, all)).statusCode,
    ).toBe(200);
    expect(await stored("all")).toEqual({ "source:a.py": "1" });
  });
});
