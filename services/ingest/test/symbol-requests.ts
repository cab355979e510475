/** Requests about symbols to an app that listens, their answers held to their description. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { describeAnswers, type Answer, type Described } from "./described.ts";
import { bearer, form, openSetting, type Setting, type TestPart } from "./setting.ts";

/** What became of one file. */
export interface FileAnswer {
  readonly name: string;
  readonly path: string | null;
  readonly status: string;
  readonly as: string | null;
  readonly reason: string | null;
  readonly sha256: string | null;
  readonly buildId: string | null;
  readonly debugId: string | null;
}

export interface UploadAnswer {
  readonly release: string;
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly skipped: number;
  readonly files: readonly FileAnswer[];
  readonly omitted: number;
}

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

export interface SymbolSetting extends Setting {
  readonly base: string;
  get<T>(url: string, token?: string): Promise<T>;
  post(url: string, request: Sent, token?: string): Promise<Answer & { json: () => unknown }>;
  postJson(url: string, body: object, token?: string): ReturnType<SymbolSetting["post"]>;
  /** Python files of a release; the answer must be 200. */
  upload(release: string, parts: readonly TestPart[]): Promise<UploadAnswer>;
}

export async function openSymbolSetting(): Promise<SymbolSetting> {
  const at = await openSetting();
  const base = await at.app.listen({ port: 0, host: "127.0.0.1" });
  const described: Described = await describeAnswers(at.app);
  async function ask(method: string, url: string, token: string, sent: Partial<Sent>) {
    const answer = await fetch(`${base}${url}`, {
      method,
      headers: { ...bearer(token), ...sent.headers },
      ...(sent.payload === undefined ? {} : { body: new Uint8Array(sent.payload) }),
    });
    const body = await answer.text();
    const found = { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body };
    described.check(method, url, found);
    return { ...found, json: () => JSON.parse(body) as unknown };
  }
  const post: SymbolSetting["post"] = (url, sent, token = at.token) =>
    ask("POST", url, token, sent);
  return {
    ...at,
    base,
    get: async <T>(url: string, token = at.token) => (await ask("GET", url, token, {})).json() as T,
    post,
    postJson: (url, body, token) => {
      const headers = { "content-type": "application/json" };
      return post(url, { headers, payload: Buffer.from(JSON.stringify(body)) }, token);
    },
    async upload(release, parts) {
      const answer = await post(
        "/api/v1/symbols",
        form([{ name: "release", body: release }, ...parts]),
      );
      expect(answer.statusCode, `says ${answer.body}`).toBe(200);
      return answer.json() as UploadAnswer;
    },
  };
}

export const part = (filename: string, body: string | Buffer): TestPart => ({
  name: "file",
  filename,
  body,
});
export const sha256 = (bytes: string | Buffer): string =>
  createHash("sha256").update(bytes).digest("hex");
export const statuses = ({ files }: UploadAnswer): string[] =>
  files.map(({ name, status }) => `${name} ${status}`);

/** What the answers for Python files say of native ids. */
export const noIds = { buildId: null, debugId: null };
