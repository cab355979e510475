/** The one place where an error becomes an answer. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "@faultline/shared";
import { KeysUnknownError } from "./auth/ingest-keys.ts";
import { discardRest, isWhole } from "./body/source.ts";
import type { IngestMetrics } from "./metrics.ts";
import { MAX_CHECK_BYTES, MAX_JSON_BYTES } from "./limits.ts";
import {
  CannotStoreError,
  Problem,
  problemDocument,
  tooLarge,
  type ProblemCode,
} from "./problem.ts";
import { isDatabaseAway } from "./store/write-crashes.ts";

export type Refuse = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<void>;

/** How a refusal is written. */
export interface Writing {
  readonly type: string;
  readonly write: (problem: Problem) => string;
}

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

const problemJson: Writing = {
  type: PROBLEM_TYPE,
  write: (problem) => JSON.stringify(problemDocument(problem)),
};

/** For crash handlers, which show or log what they get, if anything. */
export const plainText: Writing = {
  type: "text/plain; charset=utf-8",
  write: ({ code, message }) => `${code}: ${message}\n`,
};

export function createRefuse(
  metrics: IngestMetrics,
  log: Logger,
  writing: Writing = problemJson,
): Refuse {
  return async (error, request, reply) => {
    const { raw } = request;
    if (error instanceof CannotStoreError || error instanceof KeysUnknownError) {
      log.error(
        { err: error, reqId: request.id },
        "a crash cannot be stored: the connection is reset",
      );
      metrics.refused.inc({ code: "reset" });
      reply.hijack();
      raw.socket.destroy();
      return;
    }
    if (raw.destroyed && !isWhole(raw)) {
      log.debug({ err: error, reqId: request.id }, "the client went away inside its request");
      metrics.refused.inc({ code: "gone" });
      reply.hijack();
      return;
    }
    const problem = problemOf(error, request);
    metrics.refused.inc({ code: problem.code });
    if (problem.status >= 500) {
      log.error(
        { err: error, reqId: request.id, method: request.method, url: request.url },
        problem.message,
      );
    }
    if (isWhole(raw)) await send(reply, problem, writing);
    else await sendEarly(request, reply, problem, writing);
  };
}

function headersOf(problem: Problem, { type }: Writing): Record<string, string> {
  return {
    "content-type": type,
    "x-content-type-options": "nosniff",
    ...(problem.retryAfter === null ? {} : { "retry-after": String(problem.retryAfter) }),
    ...(problem.status === 401 ? { "www-authenticate": 'Bearer realm="faultline"' } : {}),
  };
}

async function send(reply: FastifyReply, problem: Problem, writing: Writing): Promise<void> {
  await reply
    .code(problem.status)
    .headers(headersOf(problem, writing))
    .send(writing.write(problem));
}

/** Answers while the body still comes: all of the answer first, its end when the body is over or was given up. */
async function sendEarly(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  writing: Writing,
): Promise<void> {
  reply.hijack();
  const body = Buffer.from(writing.write(problem));
  const framing = { "content-length": String(body.length), connection: "close" };
  reply.raw.writeHead(problem.status, { ...headersOf(problem, writing), ...framing });
  reply.raw.write(body);
  await discardRest(request.raw);
  reply.raw.end();
}

/** What a 5xx says never comes from the error itself. */
function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (isFastifyError(error)) return problemOfFastify(error, request.routeOptions.bodyLimit);
  if (isDatabaseAway(error)) {
    return new Problem("database-away", "Postgres does not answer", {
      cause: error,
      retryAfter: 5,
    });
  }
  return internal(error);
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  error.code.startsWith("FST_");

const bodyLimits: ReadonlyMap<number, string> = new Map([
  [MAX_JSON_BYTES, "MAX_JSON_BYTES"],
  [MAX_CHECK_BYTES, "MAX_CHECK_BYTES"],
]);

const fastifyCodes: ReadonlyMap<number | undefined, ProblemCode> = new Map([
  [400, "bad-request"],
  [404, "not-found"],
  [414, "bad-request"],
  [415, "unsupported-media-type"],
]);

/** `limit`: what Fastify holds the route's body to. */
function problemOfFastify(error: FastifyError, limit: number): Problem {
  if (error.statusCode === 413) {
    return tooLarge("the body", bodyLimits.get(limit) ?? "bodyLimit", limit);
  }
  const code = fastifyCodes.get(error.statusCode);
  return code === undefined ? internal(error) : new Problem(code, error.message, { cause: error });
}

const internal = (error: unknown): Problem =>
  new Problem("internal", "an unexpected error; the log has it under this request's id", {
    cause: error,
  });
