/**
 * POST /api/minidump: where crash handlers that know nothing of us send minidumps.
 *
 * Exactly 200, text/plain, a Content-Length and a short body, whatever the load: Crashpad on Linux takes no other
 * status for success, and keeps the body as the name of its report.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import { acceptCrash } from "../accept-crash.ts";
import type { RouteDeps } from "../app.ts";
import { readMinidump } from "../crash/read-minidump.ts";
import { multipartBody, rawBody, takeRawBodies } from "../raw-bodies.ts";
import { createRefuse, plainText } from "../refuse.ts";
import { media, plainProblems } from "../schemas/common.ts";

const text = (description: string) => Type.Optional(Type.String({ description }));

const common = {
  tags: ["crashes"],
  security: [
    { ingestKeyInQuery: [] },
    { ingestKey: [] },
    { sentryKeyInQuery: [] },
    { sentryAuth: [] },
  ],
  response: {
    200: media("text/plain", "The crash's id."),
    ...plainProblems(
      "bad-body",
      "bad-metadata",
      "bad-minidump",
      "empty-dump",
      "no-dump",
      "no-credentials",
      "bad-credentials",
      "too-large",
      "unsupported-encoding",
      "too-many-requests",
    ),
  },
};

const schema = {
  ...common,
  operationId: "sendMinidump",
  summary: "Send a minidump as Crashpad and Breakpad do",
  description: `The upload URL of Crashpad, Breakpad and what is built on them; give it as \`/api/minidump?key=KEY\`.
Text fields and further parts of the query become tags, the longer ones annotations; release, environment, host, pid, time and Python's version are taken from their usual names (\`ver\`, \`_version\`, \`hostname\`, …).
The environment and command line that a dump holds are blanked before it is stored. The same report sent again is the same crash.`,
  querystring: Type.Object({
    key: text("Ingest key; `sentry_key` and `api_key` are taken too."),
    id: text("The client's own id of the crash: any UUID."),
  }),
};

const sentrySchema = {
  ...common,
  operationId: "sendMinidumpBySentryDsn",
  summary: "Send a minidump as Sentry's clients do",
  description:
    "Where a client that is given our DSN sends minidumps; the same as /api/minidump. The key tells the project, the number does not.",
  params: Type.Object({ project: Type.String({ description: "The DSN's number." }) }),
};

const body = {
  ...multipartBody(
    {
      upload_file_minidump:
        "The minidump, also in gzip or zstd; `minidump`, and any part that begins as one, is the same.",
      faulthandler: "What faulthandler wrote; a log that holds it needs no name.",
      metadata: "JSON object as of POST /api/v1/crashes.",
    },
    "Parts in any order; further files are kept as attachments, further fields become annotations.",
  ),
  ...rawBody("application/octet-stream", "The minidump alone."),
  ...rawBody("application/x-dmp", "The minidump alone."),
};

export const minidumpRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { guard, store, metrics } = deps;
  takeRawBodies(app);
  app.setErrorHandler(createRefuse(metrics, deps.log, plainText));
  // the query is a client's own: a parameter that comes twice is no reason to lose a crash
  app.setValidatorCompiler(() => () => true);

  const take = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const project = await guard.projectOf(request);
    const query = request.query as Readonly<Record<string, unknown>>;
    const crash = await readMinidump(request.raw, query, deps);
    const { id, duplicate } = await acceptCrash(project, crash, Date.now(), store);
    (duplicate ? metrics.duplicate : metrics.accepted).inc();
    answer(reply, id);
  };
  app.post("/api/minidump", { schema, config: { body } }, take);
  app.post("/api/:project(^\\d+$)/minidump", { schema: sentrySchema, config: { body } }, take);
};

/**
 * Crashpad's own HTTP client (util/net/http_transport_socket.cc) looks for the header by the letters
 * "Content-Length" and takes any other spelling for none, so that the report counts as failed; replies of the
 * framework's have theirs in lower case. Test: minidump-wire.test.ts, "headers as Crashpad spells them".
 */
function answer(reply: FastifyReply, id: string): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    "Content-Type": "text/plain",
    "Content-Length": String(Buffer.byteLength(id)),
    "X-Content-Type-Options": "nosniff",
  });
  reply.raw.end(id);
}
