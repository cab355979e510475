/** GET /api/v1/crashes/:id, …/:id.txt, …/:id/attachments/:name. */
import { Readable } from "node:stream";
import {
  blobDay,
  canonicalUuid,
  findCrash,
  findReport,
  renderReport,
  type Attachment,
  type BlobStore,
  type Report,
  type CrashSummary,
  type Pool,
  type StoredCrash,
} from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { Problem } from "../problem.ts";
import { scopeOf, type ProjectScope } from "../project-scope.ts";
import { media, problems, tokenProblems, tokenWith, Uuid } from "../schemas/common.ts";
import { CrashSchema, summaryView } from "../schemas/crash.ts";

const common = {
  tags: ["crashes"],
  security: tokenWith("read"),
  params: Type.Object({ id: Uuid }),
};
const errors = problems("bad-request", "not-found", ...tokenProblems);

const schemas = {
  json: {
    ...common,
    operationId: "readCrash",
    summary: "Read a crash and its report",
    response: { 200: CrashSchema, ...errors },
  },
  text: {
    ...common,
    operationId: "readCrashText",
    summary: "Read a crash as a person wants to at 3 a.m.",
    response: {
      200: media("text/plain", "The stack, its causes and what is uncertain."),
      ...errors,
    },
  },
  attachment: {
    ...common,
    operationId: "readAttachment",
    summary: "Download a file that came with a crash",
    description:
      "A minidump holds what the process had in memory: it wants scope `raw`, every other file `read`.",
    security: tokenWith("read", "raw"),
    params: Type.Object({ id: Uuid, name: Type.String() }),
    response: {
      200: media(
        "application/octet-stream",
        "The file as it was sent, a minidump without the environment and command line.",
      ),
      ...errors,
      ...problems("expired"),
    },
  },
};

export const crashViewRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard, blobs, rawRetentionDays } = deps;
  const onRequest = guard.allow("read");

  app.get("/api/v1/crashes/:id", { schema: schemas.json, onRequest }, async (request) => {
    const scope = await scopeOf(db, guard.caller(request), undefined);
    const found = await load(db, scope, request.params.id);
    return view(found, scope, baseUrl(deps.url, request), rawRetentionDays);
  });

  app.get(
    "/api/v1/crashes/:id.txt",
    { schema: schemas.text, onRequest },
    async (request, reply) => {
      const scope = await scopeOf(db, guard.caller(request), undefined);
      const found = await load(db, scope, request.params.id);
      void reply.type("text/plain; charset=utf-8").header("x-content-type-options", "nosniff");
      return textOf(found, scope, baseUrl(deps.url, request));
    },
  );

  app.get(
    "/api/v1/crashes/:id/attachments/:name",
    { schema: schemas.attachment, onRequest: guard.allow("read", "raw") },
    async (request, reply) => {
      const scope = await scopeOf(db, guard.caller(request), undefined);
      const { holder } = await load(db, scope, request.params.id);
      const { name } = request.params;
      const attachment = holder.attachments.find((one) => one.name === name);
      if (attachment === undefined) {
        const names = holder.attachments.map((one) => JSON.stringify(one.name)).join(", ");
        throw new Problem(
          "not-found",
          `attachment ${JSON.stringify(name.slice(0, 200))}: the crash has ${names}`,
        );
      }
      guard.require(request, attachment.kind === "minidump" ? "raw" : "read");
      await requireKept(attachment, blobs, rawRetentionDays);
      void reply
        .type("application/octet-stream")
        .header("content-length", attachment.size)
        .header("content-disposition", disposition(name))
        .header("x-content-type-options", "nosniff")
        .header("content-security-policy", "sandbox; default-src 'none'");
      return await reply.send(bytesOf(holder, attachment) ?? blobs.read(attachment.blob ?? ""));
    },
  );
};

interface FoundCrash {
  readonly crash: StoredCrash;
  /** The crash that holds the files: the first of its text. */
  readonly holder: StoredCrash;
  readonly summary: CrashSummary | null;
  readonly report: Report | null;
}

/** Throws a Problem when there is no such crash, or it is another project's. */
async function load(db: Pool, scope: ProjectScope, text: string): Promise<FoundCrash> {
  const id = canonicalUuid(text) ?? text;
  const [crash, processed] = await Promise.all([
    findCrash(db, scope.ids, id),
    findReport(db, scope.ids, id),
  ]);
  if (crash === null) throw new Problem("not-found", `crash ${id}`);
  const parent = crash.parentId === null ? null : await findCrash(db, scope.ids, crash.parentId);
  return {
    crash,
    holder: parent ?? crash,
    summary: processed?.summary ?? null,
    report: processed?.report ?? null,
  };
}

function view(
  { crash, holder, summary, report }: FoundCrash,
  scope: ProjectScope,
  base: string,
  rawDays: number,
): Static<typeof CrashSchema> {
  const { metadata } = crash;
  const url = `${base}/api/v1/crashes/${crash.id}`;
  return {
    ...(summary === null ? waitingView(crash, scope) : summaryView(summary, scope.slugOf)),
    url,
    parent: crash.parentId,
    pid: metadata.pid,
    time: metadata.time,
    pythonVersion: metadata.pythonVersion,
    tags: { ...metadata.tags },
    annotations: { ...metadata.annotations },
    annotationsLeftOut: metadata.annotationsLeftOut ?? 0,
    attachments: holder.attachments.map((attachment) => {
      const { name, kind, contentType, size, sha256 } = attachment;
      return {
        name,
        kind,
        contentType,
        size,
        sha256,
        url: `${url}/attachments/${encodeURIComponent(name)}`,
        keptUntil: keptUntil(attachment, rawDays)?.toISOString() ?? null,
      };
    }),
    report,
  };
}

const waitingView = (crash: StoredCrash, scope: ProjectScope) => ({
  id: crash.id,
  project: scope.slugOf(crash.projectId),
  group: null,
  state: "received" as const,
  error: null,
  kind: null,
  title: null,
  receivedAt: crash.receivedAt.toISOString(),
  occurredAt: null,
  processedAt: null,
  release: crash.metadata.release,
  environment: crash.metadata.environment,
  host: crash.metadata.host,
});

function textOf({ crash, summary, report }: FoundCrash, scope: ProjectScope, base: string): string {
  if (report === null) {
    const state =
      summary === null
        ? "waits for processing: ask again in a moment"
        : `could not be processed: ${summary.error}`;
    return `crash ${crash.id} of ${scope.slugOf(crash.projectId)} ${state}\n`;
  }
  return renderReport(report, {
    id: crash.id,
    url: `${base}/api/v1/crashes/${crash.id}`,
    receivedAt: crash.receivedAt.toISOString(),
    release: crash.metadata.release,
    environment: crash.metadata.environment,
    host: crash.metadata.host,
    group:
      summary === null || summary.groupId === null
        ? null
        : `${base}/api/v1/groups/${summary.groupId}`,
  });
}

function bytesOf(crash: StoredCrash, { at, size }: Attachment): Readable | null {
  if (at === null) return null;
  return Readable.from([crash.content?.subarray(at, at + size) ?? Buffer.alloc(0)], {
    objectMode: false,
  });
}

const DAY_MS = 86_400_000;

/** When a file goes before its crash does; null for one that does not. */
function keptUntil({ kind, blob }: Attachment, rawDays: number): Date | null {
  const day = kind !== "minidump" || blob === null ? null : blobDay(blob);
  return day === null ? null : new Date(day + (rawDays + 1) * DAY_MS);
}

async function requireKept(
  attachment: Attachment,
  blobs: BlobStore,
  rawDays: number,
): Promise<void> {
  const until = keptUntil(attachment, rawDays);
  if (until === null) return;
  try {
    await blobs.size(attachment.blob ?? "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await blobs.check();
    const name = JSON.stringify(attachment.name);
    throw new Problem("expired", `attachment ${name}: was kept until ${until.toISOString()}`);
  }
}

/** RFC 6266, with the name in ASCII for those who read no `filename*`. */
function disposition(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (one) => `%${one.codePointAt(0)?.toString(16)}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
