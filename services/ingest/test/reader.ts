/** Requests to the reading routes, each answer held to its description. */
import type { LightMyRequestResponse } from "fastify";
import { describeAnswers, type Answer } from "./described.ts";
import { bearer, type Setting } from "./setting.ts";

export interface ReadOptions {
  readonly token?: string;
  readonly method?: "GET" | "PATCH" | "POST" | "PUT";
  readonly payload?: object;
}

export type Read = (
  url: string,
  options?: ReadOptions,
) => Promise<Answer & { json: LightMyRequestResponse["json"] }>;

export async function readerOf({ app, token: own }: Setting): Promise<Read> {
  const described = await describeAnswers(app);
  return async (url, { token = own, method = "GET", payload } = {}) => {
    const headers = bearer(token);
    const answer = await app.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    described.check(method, url, answer);
    return answer;
  };
}
