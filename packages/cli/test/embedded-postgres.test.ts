import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openPool } from "@faultline/shared";
import { afterAll, expect, test } from "vitest";
import { runningPostgresUrl, startEmbeddedPostgres } from "../src/embedded-postgres.ts";
import { makeLinks } from "../src/postgres-programs.ts";

// mkdtemp makes a folder that only its owner may enter: as root, Postgres runs as another user below it
const root = mkdtempSync(join(tmpdir(), "faultline-pg-"));
afterAll(() => rmSync(root, { recursive: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const pool = openPool(url, "test", 1);
  try {
    return (await pool.query(sql)).rows;
  } finally {
    await pool.end();
  }
}

test("makes a cluster, answers, stops, and is there again", async () => {
  const data = join(root, "plain");
  mkdirSync(join(data, "postgres.new"), { recursive: true }); // left by an initdb that was killed
  writeFileSync(join(data, "postgres.new", "half"), "");
  const first = await startEmbeddedPostgres(data);
  expect(runningPostgresUrl(data)).toBe(first.url);
  await query(first.url, "create table kept as select 'ä→' as word");
  expect(
    await query(
      first.url,
      "select setting from pg_settings where name in ('fsync', 'synchronous_commit', 'server_encoding', 'listen_addresses') order by name",
    ),
  ).toEqual([{ setting: "on" }, { setting: "" }, { setting: "UTF8" }, { setting: "on" }]);
  await first.stop();
  expect(await first.ended).toMatch(/^Postgres ended with 0;/);
  expect(runningPostgresUrl(data)).toBeNull();
  expect(existsSync(join(data, "postgres.new"))).toBe(false);

  const second = await startEmbeddedPostgres(data);
  expect(await query(second.url, "select word from kept")).toEqual([{ word: "ä→" }]);
  await second.stop();
});

test("nobody but the owner can enter the socket's folder, also when the path is too long for the data folder", async () => {
  const data = join(root, "long".repeat(25));
  const server = await startEmbeddedPostgres(data);
  const socket = decodeURIComponent(/@([^:]+):/.exec(server.url)?.[1] ?? "");
  expect(socket.startsWith(data)).toBe(false);
  expect(statSync(socket).mode & 0o777).toBe(0o700);
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await server.stop();
  expect(existsSync(socket)).toBe(false);
});

test("keeps a second faultline out while the first lives, and takes over when it was killed", async () => {
  const data = join(root, "killed");
  const script = fileURLToPath(new URL("hold-postgres.ts", import.meta.url));
  const first = spawn(process.execPath, [script, data], { stdio: ["ignore", "pipe", "inherit"] });
  await once(first.stdout, "data");
  await expect(startEmbeddedPostgres(data)).rejects.toMatchObject({
    code: "data-in-use",
    message: expect.stringContaining(`process ${first.pid}:`),
  });
  first.kill("SIGKILL");
  await once(first, "exit");
  const second = await startEmbeddedPostgres(data); // its Postgres is still alive
  expect(await query(second.url, "select word from kept")).toEqual([{ word: "before the kill" }]);
  await second.stop();
});

test("tells when the server ends by itself, and what it said when it does not start", async () => {
  const data = join(root, "damaged");
  const server = await startEmbeddedPostgres(data);
  const pid = Number.parseInt(readFileSync(join(data, "postgres/postmaster.pid"), "utf8"), 10);
  process.kill(pid, "SIGQUIT");
  expect(await server.ended).toContain(`see ${join(data, "postgres.log")}`);
  await server.stop();
  rmSync(join(data, "postgres", "global", "pg_control"));
  await expect(startEmbeddedPostgres(data)).rejects.toMatchObject({
    code: "postgres-failed",
    message: expect.stringContaining("pg_control"),
  });
});

test("links that the install did not make are made", () => {
  const folder = join(root, "package");
  mkdirSync(join(folder, "native/lib"), { recursive: true });
  writeFileSync(join(folder, "native/lib/libx.so.1.2"), "");
  const links = ["libx.so", "libx.so.1"].map((name) => ({
    source: "native/lib/libx.so.1.2",
    target: `native/lib/${name}`,
  }));
  writeFileSync(join(folder, "native/pg-symlinks.json"), JSON.stringify(links));
  makeLinks(folder);
  makeLinks(folder);
  expect(readlinkSync(join(folder, "native/lib/libx.so.1"))).toBe("libx.so.1.2");
});
