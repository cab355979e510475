/** The whole HTTP surface. Opens nothing: index.ts does, and tests bring their own. */
import type { Socket } from "node:net";
import rateLimit from "@fastify/rate-limit";
import type { BlobStore, JobQueue, Logger, Pool } from "@faultline/shared";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { createGuard, type Guard } from "./auth/guard.ts";
import type { IngestKeys } from "./auth/ingest-keys.ts";
import { describeApi } from "./describe-api.ts";
import {
  CLOSE_TIMEOUT_MS,
  HEADERS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_JSON_BYTES,
  REQUEST_TIMEOUT_MS,
} from "./limits.ts";
import type { IngestMetrics } from "./metrics.ts";
import { Problem, problemDocument, problemKinds, type ProblemCode } from "./problem.ts";
import { createRefuse, PROBLEM_TYPE, type Refuse } from "./refuse.ts";
import { crashListRoutes } from "./routes/crash-list.ts";
import { crashViewRoutes } from "./routes/crash-views.ts";
import { crashRoutes } from "./routes/crashes.ts";
import { minidumpRoutes } from "./routes/minidump.ts";
import { docsRoutes } from "./routes/docs.ts";
import { groupChangeRoutes } from "./routes/group-changes.ts";
import { groupingRuleRoutes } from "./routes/grouping-rules.ts";
import { groupRoutes } from "./routes/groups.ts";
import { healthRoutes, type Health } from "./routes/health.ts";
import { projectRoutes } from "./routes/projects.ts";
import { repairRoutes } from "./routes/repairs.ts";
import { missingSymbolRoutes } from "./routes/symbols-missing.ts";
import { nativeSymbolRoutes } from "./routes/symbols-native.ts";
import { symbolCheckRoutes } from "./routes/symbols-check.ts";
import { symbolRoutes } from "./routes/symbols.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { ProblemSchema } from "./schemas/common.ts";
import type { CrashStore } from "./store/crash-store.ts";

/** Everything the routes need. */
export interface Deps {
  readonly db: Pool;
  readonly keys: IngestKeys;
  readonly store: CrashStore;
  readonly blobs: BlobStore;
  /** Keep what holds the environment and command line of a crashed process. */
  readonly keepEnvironment: boolean;
  /** Days that minidumps are kept. */
  readonly rawRetentionDays: number;
  readonly symbolJobs: JobQueue<"symbols">;
  readonly nativeJobs: JobQueue<"natives">;
  readonly metrics: IngestMetrics;
  readonly health: () => Promise<Health>;
  /** Folder for uploads while they are worked on. */
  readonly uploads: string;
  /** Public base URL, null: what the request was sent to. */
  readonly url: string | null;
  readonly log: Logger;
}

/** What a route file gets. */
export interface RouteDeps extends Deps {
  readonly guard: Guard;
}

export type App = FastifyInstance;

/** Longest path parameter: an attachment's name, percent-encoded. */
const MAX_PARAM_CHARS = 2_000;

export async function buildApp(deps: Deps): Promise<App> {
  const refuse = createRefuse(deps.metrics, deps.log);
  const app = createServer(deps, refuse);
  app.setErrorHandler(refuse);
  app.setNotFoundHandler((request, reply) =>
    refuse(
      new Problem("not-found", `${request.method} ${request.url.slice(0, 200)}`),
      request,
      reply,
    ),
  );
  // answers are plain JSON; the tests hold them to their schemas, so that nothing is dropped silently
  app.setSerializerCompiler(() => JSON.stringify);
  app.addSchema(ProblemSchema);
  app.addHook("onResponse", async (request, reply) => {
    const { method, routeOptions } = request;
    deps.metrics.requests.observe(
      { method, route: routeOptions.url ?? "none", status: reply.statusCode },
      reply.elapsedTime / 1_000,
    );
  });
  endConnectionsOnClose(app);
  await describeApi(app);
  await app.register(rateLimit, { global: false });
  const routeDeps: RouteDeps = { ...deps, guard: createGuard(app, deps.db, deps.keys) };
  await app.register(crashRoutes, routeDeps);
  await app.register(minidumpRoutes, routeDeps);
  await app.register(crashListRoutes, routeDeps);
  await app.register(crashViewRoutes, routeDeps);
  await app.register(groupRoutes, routeDeps);
  await app.register(groupChangeRoutes, routeDeps);
  await app.register(groupingRuleRoutes, routeDeps);
  await app.register(symbolRoutes, routeDeps);
  await app.register(symbolCheckRoutes, routeDeps);
  await app.register(nativeSymbolRoutes, routeDeps);
  await app.register(missingSymbolRoutes, routeDeps);
  await app.register(repairRoutes, routeDeps);
  await app.register(projectRoutes, routeDeps);
  await app.register(tokenRoutes, routeDeps);
  await app.register(healthRoutes, routeDeps);
  await app.register(docsRoutes, routeDeps);
  return app;
}

function createServer(deps: Deps, refuse: Refuse): App {
  const loggerInstance: FastifyBaseLogger = deps.log;
  return Fastify({
    loggerInstance,
    // no line and no child logger a request: accepting a crash is as little work as can be
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    // a crash that arrives while we stop is still taken: 503 would be its end
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // a field too much is refused or ignored, as the schema says; never taken out behind its back
    ajv: { customOptions: { removeAdditional: false } },
    // Sentry's clients put a slash behind their path, others do not
    routerOptions: { maxParamLength: MAX_PARAM_CHARS, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply),
    clientErrorHandler: answerBrokenRequest,
  });
}

const CLOSE_IDLE_MS = 50;

/** A connection whose last request was under way when the closing began would else stay open for the next one. */
function endConnectionsOnClose(app: App): void {
  let idle: NodeJS.Timeout | undefined;
  let all: NodeJS.Timeout | undefined;
  app.addHook("preClose", async () => {
    idle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MS);
    all = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  });
  app.addHook("onClose", async () => {
    clearInterval(idle);
    clearTimeout(all);
  });
}

const clientErrors: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "timeout",
  HPE_HEADER_OVERFLOW: "headers-too-large",
};

/** Bytes that never became a request: there is no reply object to answer with. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = clientErrors[error.code ?? ""] ?? "bad-request";
  const body = JSON.stringify(
    problemDocument(new Problem(code, `HTTP: ${error.code ?? error.message}`)),
  );
  const { status, title } = problemKinds[code];
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
