/**
 * Native symbols through the services as processes: whatever is sent twice, at once or half, and whoever is killed meanwhile,
 * a module has one cache, of all that came. FAULTLINE_TEST_UPLOAD_MIB=2047 makes the large upload as large as may be.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openCache } from "@faultline/debuginfo";
import {
  noContainers,
  startPostgresContainer,
  startRedis,
  type ContainerServer,
  type PostgresContainer,
} from "../containers.ts";
import { startPostgresServer, type PostgresServer } from "../postgres-server.ts";
import { apiOf, type Api } from "./api.ts";
import { install, type TestInstallation } from "./installation.ts";

const MIB = 1024 * 1024;
/** Enough for a build that takes seconds. */
const FUNCTIONS = 300_000;
const UPLOAD_MIB = Number(process.env["FAULTLINE_TEST_UPLOAD_MIB"] ?? 192);
const TIMEOUT_MS = 120_000 + UPLOAD_MIB * 500;
/** A job whose worker was killed goes to another after at most twice its lock's time. */
const inTime = { timeout: 90_000, interval: 50 } as const;

const halves = ["quartet.so", "quartet.debug", "quartet.sup", "quartet.dwp"] as const;
const debugId = "272B8176617C022B2B05AAE9F6A9476A0";
const fixture = (name: string): Buffer =>
  readFileSync(
    new URL(`../../services/symbolicator/test/native/fixtures/${name}`, import.meta.url),
  );
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface Module {
  readonly state: string;
  readonly complete: boolean;
  readonly cache: { readonly sha256: string } | null;
  readonly builtOf: readonly { readonly role: string }[];
  readonly error: string | null;
}

interface Answer {
  readonly accepted: number;
  readonly duplicate: number;
  readonly files: readonly { readonly status: string; readonly reason: string | null }[];
}

/** A multipart body by hand, its one file as it comes. */
async function* formOf(
  name: string,
  file: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(
    `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`,
  );
  yield* file;
  yield Buffer.from("\r\n--b--\r\n");
}

let at: TestInstallation;
let isOpen = false;
async function open(databaseUrl: string, redisUrl: string | null): Promise<void> {
  at = await install(databaseUrl, redisUrl);
  isOpen = true;
}
afterEach(async ({ task }) => {
  if (!isOpen) return;
  isOpen = false;
  if (task.result?.state === "fail") process.stderr.write(at.logs());
  await at.close();
});

const apiAt = async (port?: number): Promise<Api> =>
  apiOf((await at.ingest(port)).url, at.key, at.token);

async function upload(
  api: Api,
  name: string,
  file: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<Answer> {
  const answer = await api.post("/api/v1/symbols", ReadableStream.from(formOf(name, file)), {
    "content-type": "multipart/form-data; boundary=b",
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answer;
}

const moduleOf = async (api: Api, id = debugId): Promise<Module | null> => {
  const { modules } = await api.read<{ modules: Module[] }>(`/api/v1/symbols/native?debugId=${id}`);
  return modules[0] ?? null;
};
const isComplete = async (api: Api): Promise<boolean> => {
  const module = await moduleOf(api);
  return module?.state === "ready" && module.complete;
};
const blobPath = (name: string): string =>
  join(at.installation.folder, "blobs", name.slice(0, 2), name);
const drafts = (): Promise<string[]> => readdir(join(at.installation.folder, "blobs", "tmp"));

/** Where the system tells. */
const childrenOf = (pid: number): readonly number[] =>
  existsSync(`/proc/${pid}/task/${pid}/children`)
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
        .split(" ")
        .filter(Boolean)
        .map(Number)
    : [];

/** A process that ended and was not waited for does not count. */
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));

/** What is known of the library with all its halves. */
async function expectWhole(api: Api): Promise<void> {
  const { cache, builtOf } = (await moduleOf(api)) ?? {};
  expect(builtOf?.map(({ role }) => role)).toEqual(["object", "debug", "supplementary", "split"]);
  const opened = openCache(await readFile(blobPath(cache?.sha256 ?? "")));
  const names = [0x280, 0x290].map((address) => opened.frames(address)[0]?.function);
  expect(names).toEqual(["scaled", "entry_named_elsewhere"]);
}

describe("what is sent", { timeout: TIMEOUT_MS }, () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgresServer();
  });
  afterAll(() => postgres.close());
  beforeEach(async () => {
    await open(await postgres.createDatabase(), null);
  });

  test("the same upload twice, at once: one file, one cache", async () => {
    const [one, two] = [await apiAt(), await apiAt()];
    at.symbolicator();
    const file = fixture("quartet.so");
    const sent = await Promise.all([one, two, one].map((api) => upload(api, "quartet.so", [file])));
    expect(sent.map(({ accepted }) => accepted).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
    await expect.poll(async () => (await moduleOf(one))?.state, inTime).toBe("ready");
    const before = await moduleOf(one);
    await upload(two, "again.so", [file]);
    await sleep(1_000);
    expect(await moduleOf(one)).toEqual(before);
    const { files } = await one.read<{ files: object[] }>("/api/v1/symbols/files");
    expect(files).toHaveLength(1);
    expect((await readFile(blobPath(sha256(file)))).equals(file)).toBe(true);
    expect(await drafts()).toEqual([]);
  });

  test("an ingest killed while it receives: nothing half, and the repeat is whole", async () => {
    const ingest = await at.ingest();
    const api = apiOf(ingest.url, at.key, at.token);
    at.symbolicator();
    const file = Buffer.concat([fixture("quartet.so"), Buffer.alloc(4 * MIB)]);
    let half: () => void = () => undefined;
    const isHalf = new Promise<void>((resolve) => (half = resolve));
    async function* broken(): AsyncGenerator<Buffer> {
      yield file.subarray(0, 3 * MIB);
      half();
      await sleep(60_000, undefined, { ref: false });
    }
    const sending = upload(api, "cut.so", broken()).then(
      () => "answered",
      () => "failed",
    );
    await isHalf;
    await expect.poll(drafts, inTime).toHaveLength(1);
    await ingest.kill();
    expect(await sending).toBe("failed");
    await at.ingest(ingest.port);
    expect(await api.read("/api/v1/symbols/files")).toMatchObject({ files: [] });
    expect(existsSync(blobPath(sha256(file)))).toBe(false);
    expect(await upload(api, "cut.so", [file])).toMatchObject({ accepted: 1 });
    expect((await readFile(blobPath(sha256(file)))).equals(file)).toBe(true);
    await expect.poll(async () => (await moduleOf(api))?.state, inTime).toBe("ready");
  });

  test("a file that lies is refused with its code, and holds up nobody", async () => {
    const api = await apiAt();
    at.symbolicator();
    const lying = fixture("quartet.debug");
    const sections = Number(lying.readBigUInt64LE(40));
    const link = (lying.readUInt16LE(60) - 4) * 64 + sections; // .gnu_debugaltlink, before the symbol table
    lying.writeBigUInt64LE(0x800n, link + 8); // SHF_COMPRESSED, and it is not
    await upload(api, "lying.debug", [lying]);
    await upload(api, "quartet.so", [fixture("quartet.so")]);
    await expect.poll(async () => (await moduleOf(api))?.state, inTime).toBe("ready");
    const { files } = await api.read<{ files: object[] }>("/api/v1/symbols/files?state=refused");
    expect(files).toEqual([
      expect.objectContaining({
        name: "lying.debug",
        error: expect.stringMatching(/^[a-z-]+: section/),
      }),
    ]);
    for (const name of halves) await upload(api, name, [fixture(name)]);
    await expect.poll(() => isComplete(api), inTime).toBe(true);
    await expectWhole(api);
  });

  test(`an upload of ${UPLOAD_MIB} MiB streams to disk`, async () => {
    const ingest = await at.ingest();
    const api = apiOf(ingest.url, at.key, at.token);
    at.symbolicator();
    const zeros = Buffer.alloc(MIB);
    const hash = createHash("sha256");
    function* large(): Generator<Buffer> {
      const object = fixture("quartet.so");
      hash.update(object);
      yield object;
      for (let mib = 0; mib < UPLOAD_MIB; mib += 1) {
        hash.update(zeros);
        yield zeros;
      }
    }
    const peak = (): number =>
      Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${ingest.pid}/status`, "latin1"))?.[1]) /
      1024;
    const before = process.platform === "linux" ? peak() : 0;
    const begun = performance.now();
    expect(await upload(api, "large.so", large())).toMatchObject({ accepted: 1 });
    const seconds = (performance.now() - begun) / 1000;
    const grown = process.platform === "linux" ? peak() - before : 0;
    if (UPLOAD_MIB > 192)
      process.stderr.write(
        `${UPLOAD_MIB} MiB: ${seconds.toFixed(1)} s, peak memory ${before.toFixed(0)} + ${grown.toFixed(0)} MiB\n`,
      );
    expect(grown).toBeLessThan(96);
    expect(existsSync(blobPath(hash.digest("hex")))).toBe(true);
    await expect.poll(async () => (await moduleOf(api))?.state, inTime).toBe("ready");
  });
});

const servers = [
  { queue: "Postgres", skip: null },
  { queue: "Redis", skip: noContainers },
];

describe.each(servers)(
  "who works, with the queue in $queue",
  { timeout: TIMEOUT_MS },
  ({ queue, skip }) => {
    let embedded: PostgresServer | null = null;
    let containers: [ContainerServer, PostgresContainer] | null = null;
    beforeAll(async () => {
      if (skip !== null) return;
      if (queue === "Redis")
        containers = await Promise.all([startRedis(), startPostgresContainer()]);
      else embedded = await startPostgresServer();
    });
    afterAll(async () => {
      await embedded?.close();
      await Promise.all((containers ?? []).map((one) => one.close()));
    });
    beforeEach(async (context) => {
      if (skip !== null) context.skip(skip);
      const database = await (embedded ?? containers?.[1])?.createDatabase();
      await open(database ?? "", containers?.[0].url ?? null);
    });

    test("all halves at once, to two ingests and two symbolicators: one cache of them all", async () => {
      const apis = [await apiAt(), await apiAt()] as const;
      for (const _ of apis) at.symbolicator();
      await Promise.all(
        halves.map((name, index) => upload(apis[index % 2] ?? apis[0], name, [fixture(name)])),
      );
      await expect.poll(() => isComplete(apis[0]), inTime).toBe(true);
      await expectWhole(apis[0]);
    });

    test("a symbolicator killed while it builds: the next makes one cache, nothing half is left", async () => {
      const api = await apiAt();
      const doomed = at.symbolicator();
      const id = "000102030405060708090A0B0C0D0E0F0";
      const functions = Array.from(
        { length: FUNCTIONS },
        (_, index) =>
          `FUNC ${(index * 16).toString(16)} 10 0 f${index}\n${(index * 16).toString(16)} 10 ${index} 0\n`,
      );
      const sym = Buffer.from(`MODULE Linux x86_64 ${id} big\nFILE 0 a.c\n${functions.join("")}`);
      await upload(api, "big.sym", [sym]);
      await expect
        .poll(async () => (await moduleOf(api, id))?.state, { ...inTime, interval: 5 })
        .toBe("building");
      const builders = childrenOf(doomed.pid);
      await doomed.kill();
      await expect.poll(() => builders.filter(isAlive), inTime).toEqual([]);
      expect(await moduleOf(api, id)).toMatchObject({ state: "building", cache: null });
      at.symbolicator();
      await expect.poll(async () => (await moduleOf(api, id))?.state, inTime).toBe("ready");
      const { cache } = (await moduleOf(api, id)) ?? {};
      const opened = openCache(await readFile(blobPath(cache?.sha256 ?? "")));
      expect(opened.frames((FUNCTIONS - 1) * 16)[0]).toMatchObject({
        function: `f${FUNCTIONS - 1}`,
        line: FUNCTIONS - 1,
      });
      await expect.poll(drafts, inTime).toEqual([]);
    });
  },
);
