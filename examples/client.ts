/** What the demo asks of a server: the HTTP API, as any client would use it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "./server.ts";

export interface Group {
  readonly id: number;
  readonly title: string;
  readonly culprit: string | null;
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

/** Answers with how many files were taken or there already, and what was refused and why. */
export async function uploadSymbols(
  server: Server,
  release: string,
  archive: Uint8Array<ArrayBuffer>,
): Promise<{ taken: number; refused: readonly string[] }> {
  const form = new FormData();
  form.set("release", release);
  form.set("file", new Blob([archive]), "symbols.zip");
  const project = process.env["FAULTLINE_PROJECT"] ?? "default";
  const answer = await ask(server, `/api/v1/symbols?project=${project}`, {
    method: "POST",
    body: form,
  });
  const { files } = (await answer.json()) as {
    files: { path: string; status: string; reason?: string }[];
  };
  const refused = files.filter((file) => file.status === "refused");
  return {
    taken: files.length - refused.length,
    refused: refused.map((file) => `${file.path}: ${file.reason}`),
  };
}

/** Sends one dump; answers with the crash's id. */
export async function sendCrash(server: Server, dump: string, metadata: Metadata): Promise<string> {
  const form = new FormData();
  form.set("metadata", JSON.stringify(metadata));
  form.set("faulthandler", new Blob([dump], { type: "text/plain" }), "stderr.txt");
  const answer = await ask(server, "/api/v1/crashes", {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}` },
    body: form,
  });
  return ((await answer.json()) as { id: string }).id;
}

/** Waits until the crash was processed. */
export async function awaitReport(server: Server, id: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(100)) {
    const answer = await ask(server, `/api/v1/crashes/${id}`);
    if (((await answer.json()) as { report: unknown }).report !== null) return;
  }
  throw new Error(`crash ${id} was not processed within ${PATIENCE_MS / 1000} s`);
}

/** The groups that hold crashes of a release, the largest first. */
export async function listGroups(server: Server, release: string): Promise<readonly Group[]> {
  const path = `/api/v1/groups?release=${release}&sort=count`;
  return ((await (await ask(server, path)).json()) as { groups: Group[] }).groups;
}

export async function readText(server: Server, id: string): Promise<string> {
  return await (await ask(server, `/api/v1/crashes/${id}.txt`)).text();
}

/** Throws with the server's own words on any answer but a good one. */
async function ask(server: Server, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${server.token}`, ...init.headers };
  const answer = await fetch(server.url + path, { ...init, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}
