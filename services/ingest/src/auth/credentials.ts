/** Where clients put their key or token. */
import type { FastifyRequest } from "fastify";

/**
 * `Authorization: Bearer SECRET`, or Basic with the secret as user, as a client makes it of a DSN
 * (http://KEY@host/1); null when there is neither.
 */
export function secretOf(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  const [, scheme = "", value = ""] = /^(\w+) +(\S+)\s*$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic":
      return Buffer.from(value, "base64").toString("latin1").split(":", 1)[0] || null;
    default:
      return null;
  }
}

/** Names of an ingest key in a query: ours, that of Sentry's clients, that of Bugsnag's. */
const QUERY_NAMES = ["key", "sentry_key", "api_key"];

/**
 * An ingest key: where `secretOf` finds one, in `X-Sentry-Auth: Sentry sentry_key=KEY, …` or the same as
 * Authorization, or in the query, for crash handlers that can be given a URL and nothing else.
 */
export function ingestKeyOf(request: FastifyRequest): string | null {
  const { authorization, "x-sentry-auth": sentry } = request.headers;
  const headers = [sentry, authorization].filter((header) => typeof header === "string");
  const inHeader = headers.map((header) => SENTRY_KEY.exec(header)?.[1]).find(Boolean);
  const query = request.query as Readonly<Record<string, unknown>>;
  const inQuery = QUERY_NAMES.map((name) => query[name]).find((key) => typeof key === "string");
  return secretOf(request) ?? inHeader ?? inQuery ?? null;
}

const SENTRY_KEY = /^Sentry\s(?:.*,)?\s*sentry_key\s*=\s*"?([^\s,"]+)/i;
