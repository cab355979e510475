/** Requests to the HTTP API, as a test wants to write them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "@faultline/shared";

export type Body = NonNullable<RequestInit["body"]>;

export interface Api {
  /** A crash that must be taken: throws on any other answer than 200 with a Content-Length. */
  send(body: Body, headers?: Record<string, string>): Promise<Sent>;
  /** POST of a crash; `headers` in addition to the key's. */
  crash(body: Body, headers?: Record<string, string>): Promise<Response>;
  /** The JSON that the API answers a GET with; throws on any other status than 200. */
  read<T>(path: string): Promise<T>;
  get(path: string): Promise<Response>;
  post(path: string, body: Body, headers?: Record<string, string>): Promise<Response>;
  /** The report of a crash, waiting until it is there. */
  report(id: string): Promise<Report>;
}

export interface Sent {
  readonly id: string;
  readonly url: string;
  readonly duplicate: boolean;
}

const REPORT_MS = 20_000;

export function apiOf(url: string, key: string, token: string): Api {
  const authorization = `Bearer ${token}`;
  const get = (path: string): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { authorization } });
  const post = (path: string, body: Body, headers: Record<string, string> = {}) =>
    // duplex: a stream as body is sent while the answer may come (fetch wants it said)
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization, ...headers },
      body,
      duplex: "half",
    });

  async function read<T>(path: string): Promise<T> {
    const answer = await get(path);
    if (answer.status !== 200)
      throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async function report(id: string): Promise<Report> {
    for (const deadline = Date.now() + REPORT_MS; Date.now() < deadline; await sleep(30)) {
      const answer = await get(`/api/v1/crashes/${id}`);
      const body = (await answer.json()) as { report?: Report | null };
      if (answer.status === 200 && body.report) return body.report;
    }
    throw new Error(`crash ${id} has no report after ${REPORT_MS} ms`);
  }

  const crash = (body: Body, headers: Record<string, string> = {}): Promise<Response> =>
    post("/api/v1/crashes", body, { authorization: `Bearer ${key}`, ...headers });

  async function send(body: Body, headers?: Record<string, string>): Promise<Sent> {
    const answer = await crash(body, headers);
    if (answer.status !== 200 || answer.headers.get("content-length") === null) {
      throw new Error(`POST of a crash: ${answer.status} ${await answer.text()}`);
    }
    return (await answer.json()) as Sent;
  }

  return {
    send,
    crash,
    get,
    post,
    read,
    report,
  };
}

/** A multipart crash; `files` beside the dump are kept as they are. */
export function crashForm(
  dump: string,
  metadata: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, Blob>> = {},
): FormData {
  const form = new FormData();
  form.set("metadata", JSON.stringify(metadata));
  form.set("faulthandler", new Blob([dump], { type: "text/plain" }), "stderr.txt");
  for (const [name, file] of Object.entries(files)) form.set(name, file, name);
  return form;
}
