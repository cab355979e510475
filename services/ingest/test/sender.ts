/** Crashes sent to an app, and their answers. */
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { expect } from "vitest";
import { bearer, form, type Setting, type TestPart } from "./setting.ts";

export interface Taken {
  readonly id: string;
  readonly url: string;
  readonly duplicate: boolean;
}

export interface Sender {
  /** `key` null: no Authorization but that of the options. */
  post(options: InjectOptions, key?: string | null): Promise<LightMyRequestResponse>;
  form(parts: readonly TestPart[], key?: string): Promise<LightMyRequestResponse>;
  text(text: string, query?: string): Promise<LightMyRequestResponse>;
}

export const textType = { "content-type": "text/plain" };

export function senderOf({ app, key: own }: Setting): Sender {
  const post: Sender["post"] = (options, key = own) =>
    app.inject({
      method: "POST",
      url: "/api/v1/crashes",
      ...options,
      headers: { ...(key === null ? {} : bearer(key)), ...options.headers },
    });
  return {
    post,
    form: (parts, key) => post(form(parts), key),
    text: (text, query = "") =>
      post({ url: `/api/v1/crashes${query}`, headers: textType, payload: text }),
  };
}

/** A crash that was taken: 200, with its length, in one piece. */
export function expectTaken(answer: LightMyRequestResponse): Taken {
  expect(answer.body).toMatch(/^\{"id":/);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.body)));
  expect(answer.headers["transfer-encoding"]).toBeUndefined();
  return answer.json<Taken>();
}
