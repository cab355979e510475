/** Errors as a client sees them: RFC 9457 (application/problem+json) with a stable `code` and what to do next. */

interface Kind {
  readonly status: number;
  readonly title: string;
  /** What to do next, unless the place that refuses knows better. */
  readonly todo: string;
}

/** Every code there is. Codes are never renamed: programs act on them. */
export const problemKinds = {
  "bad-request": {
    status: 400,
    title: "The request does not fit its schema",
    todo: "Compare the request with /api/docs.",
  },
  "bad-body": {
    status: 400,
    title: "The body cannot be read",
    todo: "Send the whole body, as its Content-Type and Content-Encoding say.",
  },
  "bad-metadata": {
    status: 400,
    title: "The metadata cannot be read",
    todo: "Send `metadata` as a JSON object with the fields listed at /api/docs.",
  },
  "no-dump": {
    status: 400,
    title: "There is no dump in the request",
    todo: "Send the text that faulthandler wrote as part `faulthandler`, or as the whole body with Content-Type text/plain.",
  },
  "bad-minidump": {
    status: 400,
    title: "The minidump cannot be read",
    todo: "Send the file as the crash handler wrote it, whole.",
  },
  "empty-dump": {
    status: 400,
    title: "The dump is empty",
    todo: "Check that faulthandler was enabled with a file that stays open until the process ends.",
  },
  "no-release": {
    status: 400,
    title: "The upload names no release",
    todo: "Add ?release=NAME to the URL, or send field `release` before the files.",
  },
  "no-file": {
    status: 400,
    title: "The upload holds no file",
    todo: "Send every file as a part with a file name: curl -F release=1.0 -F file=@app.whl",
  },
  "no-project": {
    status: 400,
    title: "The request names no project",
    todo: "This token is good for every project: add ?project=SLUG to the URL.",
  },
  "no-credentials": {
    status: 401,
    title: "The request carries no key or token",
    todo: "Send the header `Authorization: Bearer KEY`.",
  },
  "bad-credentials": {
    status: 401,
    title: "The key or token is not known",
    todo: "Crashes want an ingest key, everything else an API token; `faultline project` and `faultline token` list them and make new ones.",
  },
  "missing-scope": {
    status: 403,
    title: "The token may not do this",
    todo: "Make a token with the scope that is named: `faultline token create`.",
  },
  "not-found": {
    status: 404,
    title: "There is no such thing here",
    todo: "Check the path and the id; a token of one project does not see the others.",
  },
  timeout: {
    status: 408,
    title: "The request took too long to arrive",
    todo: "Send it again.",
  },
  expired: {
    status: 410,
    title: "The file is no longer kept",
    todo: "Minidumps are deleted before their crashes: FAULTLINE_RAW_RETENTION_DAYS on the server says when.",
  },
  conflict: {
    status: 409,
    title: "The name is taken",
    todo: "Choose another one.",
  },
  "too-large": {
    status: 413,
    title: "The request is larger than a limit",
    todo: "Send less; every limit is listed at /api/docs.",
  },
  "too-slow": {
    status: 422,
    title: "Counting took too long",
    todo: "Ask for less: one project, fewer days.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The Content-Type is not taken here",
    todo: "See /api/docs for those that are.",
  },
  "unsupported-encoding": {
    status: 415,
    title: "The Content-Encoding is not taken here",
    todo: "Send the body plain, or with one of gzip, deflate, br, zstd.",
  },
  "too-many-requests": {
    status: 429,
    title: "Too many requests from this address",
    todo: "Wait as long as the header Retry-After says.",
  },
  "headers-too-large": {
    status: 431,
    title: "The request's headers are too large",
    todo: "Send fewer or shorter headers.",
  },
  internal: {
    status: 500,
    title: "Something went wrong here",
    todo: "Try again; the server's log tells more under the request's id.",
  },
  "database-away": {
    status: 503,
    title: "The database cannot be reached",
    todo: "Try again in a moment. Crashes are still taken.",
  },
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof problemKinds;

/** A refusal. `detail` says what was read, where, what was wanted and what was found. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly todo: string | null;
  /** Seconds, for the header Retry-After. */
  readonly retryAfter: number | null;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { todo?: string; retryAfter?: number } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.todo = options.todo ?? null;
    this.retryAfter = options.retryAfter ?? null;
  }

  get status(): number {
    return problemKinds[this.code].status;
  }
}

/** Refusal because of a limit, which it names. */
export const tooLarge = (what: string, limit: string, most: number): Problem =>
  new Problem("too-large", `${what}: more than ${most} (limit ${limit})`);

/**
 * A crash that can be stored nowhere. The connection is reset without an answer: the one signal after
 * which clients send again (Sentry's discard on any status from 400 up).
 */
export class CannotStoreError extends Error {
  override readonly name = "CannotStoreError";
}

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly todo: string;
}

export function problemDocument(problem: Problem): ProblemDocument {
  const { status, title, todo } = problemKinds[problem.code];
  return {
    type: `/api/docs#problem-${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    todo: problem.todo ?? todo,
  };
}
