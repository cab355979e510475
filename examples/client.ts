/** What the demo asks of a server: its HTTP API, which is open to every client. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "./server.ts";

export interface Group {
  readonly id: number;
  readonly title: string;
  readonly count: number;
  readonly newestCrash: string;
}

export interface Metadata {
  readonly release: string;
  readonly environment: string;
  readonly host: string;
  readonly pid: number;
  readonly pythonVersion: string;
}

const PATIENCE_MS = 60_000;

/** Answers, once crashes can make use of them, with how many files the server has, and what it refused and why. */
export async function uploadSymbols(
  server: Server,
  release: string,
  archive: Uint8Array<ArrayBuffer>,
): Promise<{ taken: number; refused: readonly string[] }> {
  const form = new FormData();
  form.set("release", release);
  form.set("file", new Blob([archive]), "symbols.zip");
  const answer = await ask(server, "/api/v1/symbols", { method: "POST", body: form });
  const { accepted, duplicate, files } = (await answer.json()) as {
    accepted: number;
    duplicate: number;
    files: { name: string; path: string | null; status: string; reason: string | null }[];
  };
  const paths = files.flatMap(({ path }) => (path === null ? [] : [{ path }]));
  await eventually("the symbols are ready", async () => {
    const body = JSON.stringify({ release, files: paths });
    const check = await ask(server, "/api/v1/symbols/check", { method: "POST", body });
    const { files: states } = (await check.json()) as { files: { state: string }[] };
    return states.every(({ state }) => state !== "stored");
  });
  const refused = files.filter((file) => file.status === "refused");
  return {
    taken: accepted + duplicate,
    refused: refused.map((file) => `${file.name}: ${file.reason}`),
  };
}

/** Sends one dump; answers with the crash's id. */
export async function sendCrash(server: Server, dump: string, metadata: Metadata): Promise<string> {
  const form = new FormData();
  form.set("metadata", JSON.stringify(metadata));
  form.set("faulthandler", new Blob([dump], { type: "text/plain" }), "stderr.txt");
  const answer = await ask(server, "/api/v1/crashes", {
    method: "POST",
    key: server.key,
    body: form,
  });
  return ((await answer.json()) as { id: string }).id;
}

/** Waits until the crash was processed. */
export async function awaitReport(server: Server, id: string): Promise<void> {
  await eventually(`crash ${id} is processed`, async () => {
    const answer = await ask(server, `/api/v1/crashes/${id}`);
    return ((await answer.json()) as { state: string }).state !== "received";
  });
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s until ${what}`);
  }
}

/** Waits until every native module that was uploaded has its symbol cache, or is refused. */
export async function awaitNativeSymbols(server: Server): Promise<void> {
  await eventually("the native modules' symbols are ready", async () => {
    for (const state of ["stored", "building"]) {
      const answer = await ask(server, `/api/v1/symbols/native?state=${state}`);
      if (((await answer.json()) as { modules: unknown[] }).modules.length > 0) return false;
    }
    const files = await ask(server, "/api/v1/symbols/files?state=stored");
    return ((await files.json()) as { files: unknown[] }).files.length === 0;
  });
}

/** Waits until a release has a crash that was processed; answers with its groups. */
export async function awaitGroups(server: Server, release: string): Promise<readonly Group[]> {
  let groups: readonly Group[] = [];
  await eventually(`a crash of ${release} arrives`, async () => {
    groups = await listGroups(server, release);
    return groups.length > 0;
  });
  return groups;
}

/** The groups that hold crashes of a release, the largest first. */
export async function listGroups(server: Server, release: string): Promise<readonly Group[]> {
  const answer = await ask(server, `/api/v1/groups?release=${release}&sort=count`);
  return ((await answer.json()) as { groups: Group[] }).groups;
}

/** The hosts of a group, the most frequent first. */
export async function listHosts(server: Server, group: number): Promise<readonly string[]> {
  const answer = await ask(server, `/api/v1/groups/${group}`);
  const { hosts } = (await answer.json()) as { hosts: { values: { value: string }[] } };
  return hosts.values.map(({ value }) => value);
}

export async function readText(server: Server, id: string): Promise<string> {
  return await (await ask(server, `/api/v1/crashes/${id}.txt`)).text();
}

interface Request {
  readonly method?: "POST";
  readonly key?: string;
  readonly body?: FormData | string;
}

/** Throws with the server's own words on any answer but a good one. */
async function ask(server: Server, path: string, request: Request = {}): Promise<Response> {
  const { key = server.token, ...init } = request;
  const json = typeof init.body === "string" ? { "content-type": "application/json" } : {};
  const headers = { authorization: `Bearer ${key}`, ...json };
  const answer = await fetch(server.url + path, { ...init, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}
