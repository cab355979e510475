/** POST /api/v1/symbols with native files, and what the API tells of them. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  openQueue,
  refuseNativeCache,
  saveBuildProgress,
  saveNativeCache,
  saveNativeLinks,
  type BuiltCache,
} from "@faultline/shared";
import { MAX_IDENTIFY_BYTES } from "../src/limits.ts";
import { pyc, tar, zip } from "./archives.ts";
import { addToken, form, inTime, type TestPart } from "./setting.ts";
import {
  openSymbolSetting,
  part,
  sha256,
  type SymbolSetting,
  type UploadAnswer,
} from "./symbol-requests.ts";

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../../packages/debuginfo/test/fixtures/${name}`, import.meta.url));

const object = fixture("shapes-stripped.so");
const debug = fixture("shapes-stripped.debug");
const buildId = "969250acdf5b15308a217864ffedcdf295043a4f";
const debugId = "AC5092965BDF30158A217864FFEDCDF20";
const sym = Buffer.from(`MODULE Linux x86_64 ${debugId} libshapes.so\nFUNC 10 8 0 main\n`);

let at: SymbolSetting;
beforeAll(async () => {
  at = await openSymbolSetting();
});
afterAll(() => at.close());
beforeEach(() => at.pool.query("truncate native_split_units, native_files, native_caches"));

const upload = async (
  parts: readonly TestPart[],
  query = "",
  token = at.token,
): Promise<UploadAnswer> =>
  (await at.post(`/api/v1/symbols${query}`, form(parts), token)).json() as UploadAnswer;

const blobOf = (bytes: Buffer): Promise<Buffer> =>
  readFile(join(at.config.blobs, sha256(bytes).slice(0, 2), sha256(bytes)));
const drafts = (): Promise<string[]> => readdir(join(at.config.blobs, "tmp"));

describe("an upload", () => {
  test("needs no release, says what each file is, and keeps it once, whole", async () => {
    const files = [
      part("libshapes.so", object),
      part("s.tar.gz", gzipSync(tar([{ name: "d/libshapes.debug", bytes: debug }]))),
    ];
    const answer = await upload([
      ...files,
      part("s.zip", zip([{ name: "libshapes.so.sym", bytes: sym }])),
    ]);
    expect(answer).toMatchObject({
      release: null,
      accepted: 3,
      duplicate: 0,
      refused: 0,
      skipped: 0,
    });
    expect(answer.files.map(({ name, as, buildId: id }) => [name, as, id])).toEqual([
      ["libshapes.so", "elf x86_64, exported symbols only", buildId],
      ["s.tar.gz!/d/libshapes.debug", "elf x86_64, debug info", buildId],
      ["s.zip!/libshapes.so.sym", "breakpad sym linux x86_64", null],
    ]);
    expect(new Set(answer.files.map((file) => file.debugId))).toEqual(new Set([debugId]));
    for (const bytes of [object, debug, sym])
      expect((await blobOf(bytes)).equals(bytes)).toBe(true);
    expect(await drafts()).toEqual([]);
    const again = await upload(files);
    expect(again.files.map(({ status }) => status)).toEqual(["duplicate", "duplicate"]);
  });

  test("queues a job for what has to be looked at, none for what was", async () => {
    const queue = openQueue(at.config, "natives", () => undefined);
    await expect.poll(() => queue.depth(), inTime).toBeGreaterThanOrEqual(0);
    const before = await queue.depth();
    await upload([part("a.so", fixture("shapes-dwarf4.so"))]);
    expect((await queue.depth()) - before).toBe(1);
    const links = { debugLink: null, debugLinkCrc: null, altLink: null, altLinkBuildId: null };
    const none = { ...links, providedUnits: [], wantedUnits: [] };
    await saveNativeLinks(at.pool, sha256(fixture("shapes-dwarf4.so")), none);
    await upload([part("a.so", fixture("shapes-dwarf4.so"))]);
    expect((await queue.depth()) - before).toBe(1);
    await queue.close();
  });

  test("refuses what is damaged with a code, and keeps nothing of it", async () => {
    const core = Buffer.from(object);
    core.writeUInt16LE(4, 16);
    const { files } = await upload([
      part("cut.so", object.subarray(0, 4_000)),
      part("short", object.subarray(0, 20)),
      part("core.1", core),
      part("bad.sym", Buffer.from("MODULE Linux x86_64 nothing\n")),
    ]);
    const reasons = Object.fromEntries(files.map(({ name, reason }) => [name, reason]));
    expect(reasons).toEqual({
      "cut.so": expect.stringMatching(/^(truncated|bad-section): /),
      short: expect.stringMatching(/^truncated: ELF header: need 64 bytes at 0x0, have 20/),
      "core.1": expect.stringMatching(/^bad-header: .*core dump/),
      "bad.sym": expect.stringMatching(/^bad-breakpad: line 1/),
    });
    expect(await drafts()).toEqual([]);
    expect((await at.pool.query("select from native_files")).rows).toEqual([]);
  });

  test("reads no more of a header than it has to", async () => {
    const claims = Buffer.alloc(MAX_IDENTIFY_BYTES + (1 << 20));
    object.copy(claims, 0, 0, 64);
    claims.writeBigUInt64LE(64n, 40); // e_shoff
    claims.writeUInt16LE(64, 58); // e_shentsize
    claims.writeUInt16LE(0, 60); // e_shnum: in section 0
    claims.writeBigUInt64LE(BigInt(claims.length >> 6) - 1n, 64 + 32);
    claims.writeUInt16LE(0, 56); // e_phnum
    const { files } = await upload([part("wide.so", claims)]);
    expect(files[0]?.reason).toMatch(/^limit: headers: more than MAX_IDENTIFY_BYTES/);
  });

  test("with Python files too, and no release: those are refused one by one", async () => {
    const wheel = zip([
      { name: "shapes/__init__.py", bytes: Buffer.from("x = 1\n") },
      { name: "shapes/_shapes.so", bytes: object },
    ]);
    const answer = await upload([part("shapes.whl", wheel)]);
    expect(answer).toMatchObject({ release: null, accepted: 1, refused: 1 });
    expect(answer.files[0]).toMatchObject({
      name: "shapes.whl!/shapes/__init__.py",
      reason: expect.stringContaining("release"),
    });
    const python = [part("a.zip", zip([{ name: "a.pyc", bytes: pyc("a") }]))];
    expect(await upload(python)).toMatchObject({ status: 400, code: "no-release" });
    expect(await upload([part("shapes.whl", wheel)], "?release=1.0")).toMatchObject({
      release: "1.0",
      accepted: 1,
      duplicate: 1,
      refused: 0,
    });
  });

  test("needs no project either", async () => {
    const all = await addToken(at.pool, null, ["symbols"]);
    await at.pool.query(
      "insert into projects (slug, name) values ('second', 'second') on conflict do nothing",
    );
    expect(await upload([part("a.so", object)], "", all)).toMatchObject({ accepted: 1 });
    const mixed = [part("a.so", object), part("a.py", Buffer.from("x"))];
    expect(await upload(mixed, "?release=1.0", all)).toMatchObject({ duplicate: 1, refused: 1 });
    expect(await upload([part("a.py", Buffer.from("x"))], "?release=1.0", all)).toMatchObject({
      code: "no-project",
    });
  });

  test("ended half way leaves nothing", async () => {
    const { port } = new URL(at.base);
    const large = Buffer.concat([object, Buffer.alloc(1 << 20)]);
    const { headers, payload } = form([part("large.so", large)]);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `POST /api/v1/symbols HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${at.token}\r\ncontent-type: ${headers["content-type"]}\r\ncontent-length: ${payload.length}\r\n\r\n`,
    );
    socket.write(payload.subarray(0, payload.length / 2));
    await expect.poll(drafts, inTime).toHaveLength(1);
    socket.destroy();
    await once(socket, "close");
    await expect.poll(drafts, inTime).toEqual([]);
    expect((await at.pool.query("select from native_files")).rows).toEqual([]);
  });

  test("twice at once is one file", async () => {
    const large = Buffer.concat([object, Buffer.alloc(1 << 20, 1)]);
    const answers = await Promise.all([1, 2, 3].map(() => upload([part("large.so", large)])));
    const status = answers.map(({ files }) => files[0]?.status ?? "").toSorted();
    expect(status).toEqual(["accepted", "duplicate", "duplicate"]);
    expect((await blobOf(large)).equals(large)).toBe(true);
    expect(await drafts()).toEqual([]);
  });
});

describe("what is there", () => {
  const missing = [{ role: "debug" as const, buildId, file: "libshapes.debug" }];
  const built: BuiltCache = {
    buildId,
    name: "libshapes.so",
    machine: "x86_64",
    blob: "ab".repeat(32),
    size: 77,
    cacheVersion: 2,
    files: [{ sha256: sha256(object), role: "object" }],
    missing,
    gaps: ["a gap"],
  };
  const noLinks = {
    debugLink: "libshapes.debug",
    debugLinkCrc: 0x1e,
    altLink: "dwz",
    altLinkBuildId: "ff",
    providedUnits: [],
    wantedUnits: [],
  };
  const module = {
    debugId,
    buildId,
    name: "libshapes.so",
    machine: "x86_64",
    state: "ready",
    error: null,
    progress: null,
    cache: { sha256: built.blob, bytes: 77, version: 2 },
    complete: false,
    missing,
    gaps: ["a gap"],
    builtOf: built.files,
    updatedAt: expect.any(String),
  };

  /** The object is built, its debug file has just come. */
  async function prepare(): Promise<void> {
    await upload([part("libshapes.so", object)]);
    await saveNativeLinks(at.pool, sha256(object), noLinks);
    await saveNativeCache(at.pool, debugId, 1, built);
    await upload([part("libshapes.debug", debug)]);
  }

  const check = async (files: readonly object[]): Promise<unknown> =>
    (await at.postJson("/api/v1/symbols/check", { files })).json();

  test("is checked by build id, debug id and hash, without a release", async () => {
    await prepare();
    const none = {
      path: null,
      sha256: null,
      buildId: null,
      debugId: null,
      kind: null,
      state: "missing",
      error: null,
      module: null,
    };
    const known = { ...none, buildId, debugId, kind: "module", state: "ready", module };
    expect(
      await check([
        { buildId: buildId.toUpperCase() },
        { debugId: debugId.toLowerCase() },
        { sha256: sha256(debug) },
        { buildId: "00ff" },
        { debugId: "0".repeat(33) },
      ]),
    ).toEqual({
      missing: 2,
      files: [
        known,
        known,
        { ...none, sha256: sha256(debug), buildId, debugId, kind: "debug", state: "stored" },
        { ...none, buildId: "00ff" },
        { ...none, debugId: "0".repeat(33) },
      ],
    });
    expect(await check([{ path: "a.py" }])).toMatchObject({ status: 400, code: "no-release" });
    for (const wrong of [{ buildId: "abc" }, { debugId: "abc" }, { buildId: "ab", debugId }])
      expect(await check([wrong])).toMatchObject({ status: 400, code: "bad-request" });
  });

  test("a supplementary file is checked by its build id, though no module has it", async () => {
    await prepare();
    await at.pool.query(
      "update native_files set kind = 'supplementary', build_id = 'cafe', debug_id = null where kind = 'debug'",
    );
    expect(await check([{ buildId: "cafe" }])).toMatchObject({
      files: [{ kind: "supplementary", state: "stored", sha256: sha256(debug) }],
    });
  });

  test("is listed, by what is asked, with how far a build is", async () => {
    await prepare();
    expect(await at.get("/api/v1/symbols/native")).toEqual({ modules: [module], next: null });
    await saveNativeLinks(at.pool, sha256(debug), {
      ...noLinks,
      debugLink: null,
      debugLinkCrc: null,
    });
    await saveBuildProgress(at.pool, debugId, 3, 10);
    const { modules } = await at.get<{ modules: object[] }>(
      `/api/v1/symbols/native?buildId=${buildId}&state=stored`,
    );
    expect(modules).toEqual([{ ...module, state: "stored", progress: { done: 3, total: 10 } }]);
    await refuseNativeCache(at.pool, debugId, 2, "limit: too much", 2);
    expect(await at.get(`/api/v1/symbols/native?debugId=${debugId}`)).toMatchObject({
      modules: [{ state: "refused", error: "limit: too much", cache: module.cache }],
    });
    for (const query of ["state=building", "buildId=00", `debugId=${"0".repeat(33)}`])
      expect(await at.get(`/api/v1/symbols/native?${query}`)).toEqual({
        modules: [],
        next: null,
      });
  });

  test("a module is read with all its files, those of other names too", async () => {
    await prepare();
    const extra = [{ sha256: sha256(sym), role: "split" }];
    await upload([part("other.sym", Buffer.concat([sym]))]);
    await at.pool.query("update native_files set debug_id = null where kind = 'breakpad'");
    await at.pool.query("update native_caches set files = files || $1::jsonb", [
      JSON.stringify(extra),
    ]);
    const read = await at.get<{ files: { name: string }[] }>(
      `/api/v1/symbols/native/${debugId.toLowerCase()}`,
    );
    expect(read.files.map(({ name }) => name).toSorted()).toEqual([
      "libshapes.debug",
      "libshapes.so",
      "other.sym",
    ]);
    expect(read.files.find(({ name }) => name === "libshapes.so")).toMatchObject({
      kind: "object",
      bytes: object.length,
      symbols: "dynsym",
      hasUnwind: true,
      debugLink: { file: "libshapes.debug", crc32: "0x0000001e" },
      altLink: { file: "dwz", buildId: "ff" },
      state: "ready",
    });
    expect(await at.get(`/api/v1/symbols/native/${"0".repeat(33)}`)).toMatchObject({
      code: "not-found",
    });
  });

  test("files are listed page by page", async () => {
    await prepare();
    await upload([part("libshapes.sym", sym)]);
    const page = (query: string) =>
      at.get<{ files: { name: string }[]; next: string | null }>(`/api/v1/symbols/files?${query}`);
    const first = await page("limit=2");
    const rest = await page(`limit=2&cursor=${first.next}`);
    expect([...first.files, ...rest.files].map(({ name }) => name)).toEqual([
      "libshapes.sym",
      "libshapes.debug",
      "libshapes.so",
    ]);
    expect(rest.next).toBeNull();
    expect((await page(`sha256=${sha256(object)}`)).files).toHaveLength(1);
    expect((await page(`debugId=${debugId}&state=stored`)).files.map(({ name }) => name)).toEqual([
      "libshapes.sym",
      "libshapes.debug",
    ]);
    expect(await page("cursor=nonsense")).toMatchObject({ code: "bad-request" });
  });

  test("to tokens with the scope only", async () => {
    const read = await addToken(at.pool, at.projectId, ["read", "admin"]);
    for (const url of [
      "/api/v1/symbols/native",
      `/api/v1/symbols/native/${debugId}`,
      "/api/v1/symbols/files",
    ])
      expect(await at.get(url, read)).toMatchObject({ code: "missing-scope" });
  });
});
