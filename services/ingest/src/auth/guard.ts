/** Who may do what: ingest keys for crashes, API tokens with a scope for everything else. */
import { findToken, type ApiToken, type Pool, type TokenScope } from "@faultline/shared";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { MAX_AUTH_FAILURES, MAX_QUERIES, RATE_WINDOW_MS } from "../limits.ts";
import { Problem } from "../problem.ts";
import { ingestKeyOf, secretOf } from "./credentials.ts";
import type { IngestKeys } from "./ingest-keys.ts";

/** Whom a token lets in. */
export interface Caller {
  readonly token: ApiToken;
  /** Projects it may see; null: every one. */
  readonly projectIds: readonly number[] | null;
}

export interface Guard {
  /** The project a crash is for, by its ingest key. Throws a Problem. */
  projectOf(request: FastifyRequest): number | Promise<number>;
  /** An `onRequest` hook: lets in tokens with one of these scopes. */
  allow(...scopes: readonly TokenScope[]): (request: FastifyRequest) => Promise<void>;
  /** Whom `allow` let in. */
  caller(request: FastifyRequest): Caller;
  /** Throws a Problem when the token of whom `allow` let in lacks the scope. */
  require(request: FastifyRequest, scope: TokenScope): void;
}

type Limiter = ReturnType<FastifyInstance["createRateLimit"]>;

/** `app` must have @fastify/rate-limit. */
export function createGuard(app: FastifyInstance, db: Pool, keys: IngestKeys): Guard {
  const failures = app.createRateLimit({ max: MAX_AUTH_FAILURES, timeWindow: RATE_WINDOW_MS });
  const queries = app.createRateLimit({ max: MAX_QUERIES, timeWindow: RATE_WINDOW_MS });
  const { remember, ...callers } = createCallers();

  /** Only failures count, so a good key is never slowed by somebody's guessing from the same address. */
  async function refuse(request: FastifyRequest, problem: Problem): Promise<never> {
    await count(failures, request, "MAX_AUTH_FAILURES", MAX_AUTH_FAILURES);
    throw problem;
  }

  async function projectOfUnknown(
    request: FastifyRequest,
    asked: Promise<number | null>,
  ): Promise<number> {
    const project = await asked;
    if (project !== null) return project;
    return await refuse(
      request,
      new Problem("bad-credentials", "ingest key: not known, or revoked"),
    );
  }

  return {
    projectOf(request) {
      const key = ingestKeyOf(request);
      if (key === null) return refuse(request, noKey());
      const project = keys.projectOf(key);
      return typeof project === "number" ? project : projectOfUnknown(request, project);
    },
    allow:
      (...scopes) =>
      async (request) => {
        const secret = secretOf(request);
        if (secret === null) return await refuse(request, noToken());
        const token = await findToken(db, secret);
        if (token === null) {
          return await refuse(
            request,
            new Problem("bad-credentials", "API token: not known, revoked or expired"),
          );
        }
        if (!scopes.some((scope) => token.scopes.includes(scope)))
          throw missingScope(token, scopes);
        if (scopes.includes("read")) await count(queries, request, "MAX_QUERIES", MAX_QUERIES);
        const projectIds = token.projectId === null ? null : [token.projectId];
        remember(request, { token, projectIds });
      },
    ...callers,
  };
}

/** Whom each request comes from. */
function createCallers(): Pick<Guard, "caller" | "require"> & {
  remember: (request: FastifyRequest, caller: Caller) => void;
} {
  const callers = new WeakMap<FastifyRequest, Caller>();
  const callerOf = (request: FastifyRequest): Caller => {
    const caller = callers.get(request);
    if (caller === undefined)
      throw new Error(`${request.url} asks for its caller without letting one in`);
    return caller;
  };
  return {
    remember: (request, caller) => void callers.set(request, caller),
    caller: callerOf,
    require(request, scope) {
      const { token } = callerOf(request);
      if (!token.scopes.includes(scope)) throw missingScope(token, [scope]);
    },
  };
}

const missingScope = (token: ApiToken, wanted: readonly TokenScope[]): Problem =>
  new Problem(
    "missing-scope",
    `token ${token.hint}…: wanted scope ${wanted.join(" or ")}, found ${token.scopes.join(", ") || "none"}`,
  );
const noKey = (): Problem =>
  new Problem("no-credentials", "Authorization: wanted Bearer and an ingest key, found none");
const noToken = (): Problem =>
  new Problem("no-credentials", "Authorization: wanted Bearer and an API token, found none");

async function count(
  limiter: Limiter,
  request: FastifyRequest,
  name: string,
  most: number,
): Promise<void> {
  const state = await limiter(request);
  if (state.isAllowed || !state.isExceeded) return;
  throw new Problem(
    "too-many-requests",
    `${request.ip}: more than ${most} a minute (limit ${name})`,
    {
      retryAfter: state.ttlInSeconds,
    },
  );
}
