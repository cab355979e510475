/** POST /api/v1/crashes: the crash is on durable storage when the answer goes out. */
import { Type, type RoutePlugin } from "../schemas/build.ts";
import { acceptCrash } from "../accept-crash.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { readCrash } from "../crash/read-crash.ts";
import { multipartBody, rawBody, takeRawBodies } from "../raw-bodies.ts";
import { problems } from "../schemas/common.ts";

const text = (description: string) => Type.Optional(Type.String({ description }));

const schema = {
  operationId: "sendCrash",
  summary: "Send a crash",
  description: `Answers 200 once the crash is on durable storage, never 201 or 202, and never an error to a valid crash because of load.
The same crash sent twice is one crash: by \`id\`, else by host and content within an hour. A text that holds several dumps becomes several crashes.
Content-Encoding gzip, deflate, br and zstd are taken, and bodies without Content-Length.`,
  tags: ["crashes"],
  security: [{ ingestKey: [] }, { ingestKeyInQuery: [] }],
  querystring: Type.Object({
    key: text("Ingest key, where no header can be sent."),
    id: text("The client's own id of the crash: any UUID."),
    release: text("For bodies without metadata, like the following."),
    environment: text(""),
    host: text(""),
    pid: text(""),
    time: text("When it happened: RFC 3339."),
    pythonVersion: text(""),
  }),
  response: {
    200: Type.Object({
      id: Type.String({ description: "The crash's id, a UUIDv7." }),
      url: Type.String(),
      duplicate: Type.Boolean({ description: "True when the crash was there before." }),
    }),
    ...problems(
      "bad-request",
      "bad-body",
      "bad-metadata",
      "no-dump",
      "bad-minidump",
      "empty-dump",
      "no-credentials",
      "bad-credentials",
      "too-large",
      "unsupported-media-type",
      "unsupported-encoding",
      "too-many-requests",
    ),
  },
};

const body = {
  ...multipartBody(
    {
      faulthandler: "What faulthandler wrote, as a file or a field.",
      minidump:
        "A minidump; `upload_file_minidump` is the same. Beside it a log that holds faulthandler's text needs no name.",
      metadata:
        "JSON object, every field optional: id (UUID), release, environment, host, pid, time (RFC 3339), pythonVersion, tags (object of texts), modules (list of objects).",
    },
    "Parts in any order; further parts are kept as attachments.",
  ),
  ...rawBody("text/plain", "faulthandler's text alone."),
  ...rawBody("application/octet-stream", "The text or the minidump alone."),
};

export const crashRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { guard, store, metrics } = deps;
  takeRawBodies(app);
  app.post("/api/v1/crashes", { schema, config: { body } }, async (request) => {
    const project = await guard.projectOf(request);
    const crash = await readCrash(request.raw, request.query, deps);
    const { id, duplicate } = await acceptCrash(project, crash, Date.now(), store);
    (duplicate ? metrics.duplicate : metrics.accepted).inc();
    const url = `${baseUrl(deps.url, request)}/api/v1/crashes/${id}`;
    return { id, url, duplicate };
  });
};
