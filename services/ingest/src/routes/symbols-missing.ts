/** GET /api/v1/symbols/missing: what to upload first. */
import {
  crashIdTime,
  DEFAULT_PAGE_ROWS,
  MAX_PAGE_ROWS,
  rankMissingSymbols,
  type MissingModule,
  type MissingPythonFile,
} from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { MAX_MISSING_DAYS, MISSING_DAYS, MISSING_TIMEOUT_MS } from "../limits.ts";
import { Problem } from "../problem.ts";
import { scopeOf } from "../project-scope.ts";
import { problems, Slug, Time, tokenProblems, tokenWith } from "../schemas/common.ts";
import { Missing } from "../schemas/native-symbols.ts";

const DAY_MS = 86_400_000;

const MissingModuleSchema = Type.Object({
  project: Type.String({ description: "Slug." }),
  name: Type.String(),
  buildId: Type.Nullable(Type.String({ description: "Of the file to upload, hexadecimal." })),
  debugId: Type.Nullable(Type.String({ description: "The same as Breakpad writes it." })),
  crashes: Type.Integer({ description: "That it blocks." }),
  lastSeen: Time,
  state: Type.Enum(["missing", "incomplete", "building", "refused"], {
    description:
      "missing: nothing was uploaded; incomplete: what was tells no files and lines, or asks for `companions`; " +
      "building: its cache is on its way; refused: `error` says why.",
  }),
  error: Type.Nullable(Type.String()),
  companions: Type.Array(Missing, { description: "Upload these, too." }),
});

const MissingFileSchema = Type.Object({
  project: Type.String({ description: "Slug." }),
  release: Type.String(),
  path: Type.String({ description: "As frames name it, on the host." }),
  installed: Type.Boolean({ description: "Of an installed package." }),
  crashes: Type.Integer({ description: "Whose blamed stack has a frame of it." }),
  lastSeen: Time,
  state: Type.Enum(["missing", "stale"], {
    description:
      "stale: a compiled file of that name was uploaded for the release, and it is not the one that ran.",
  }),
});

const schema = {
  operationId: "listMissingSymbols",
  summary: "Rank what crashes lack: native modules and Python files, by the crashes they block",
  description:
    `Over crashes received in the last \`days\`. Counting is given up after ${MISSING_TIMEOUT_MS / 1000} seconds (MISSING_TIMEOUT_MS). ` +
    "Crashes are worked out again by themselves once what they lack is uploaded.",
  tags: ["symbols"],
  security: tokenWith("read", "symbols"),
  querystring: Type.Object({
    project: Type.Optional(Slug),
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_MISSING_DAYS, default: MISSING_DAYS }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_PAGE_ROWS, default: DEFAULT_PAGE_ROWS }),
    ),
  }),
  response: {
    200: Type.Object({
      since: Time,
      modules: Type.Array(MissingModuleSchema, { description: "Most crashes first." }),
      files: Type.Array(MissingFileSchema, { description: "Most crashes first." }),
    }),
    ...problems("bad-request", "not-found", "too-slow", ...tokenProblems),
  },
};

export const missingSymbolRoutes: RoutePlugin<RouteDeps> = async (app, { db, guard }) => {
  const onRequest = guard.allow("read", "symbols");
  app.get("/api/v1/symbols/missing", { schema, onRequest }, async (request) => {
    const { project, days = MISSING_DAYS, limit = DEFAULT_PAGE_ROWS } = request.query;
    const scope = await scopeOf(db, guard.caller(request), project);
    const since = new Date(Date.now() - days * DAY_MS);
    const filter = { projectIds: scope.ids, since, limit };
    const missing = await rankMissingSymbols(db, filter, MISSING_TIMEOUT_MS);
    if (missing === null)
      throw new Problem(
        "too-slow",
        `counting the crashes of ${days} days took longer than MISSING_TIMEOUT_MS (${MISSING_TIMEOUT_MS} ms)`,
      );
    return {
      since: since.toISOString(),
      modules: missing.modules.map((row) => moduleView(row, scope.slugOf)),
      files: missing.files.map((row) => fileView(row, scope.slugOf)),
    };
  });
};

type SlugOf = (projectId: number) => string;

const timeOf = (crash: string): string => new Date(crashIdTime(crash) ?? 0).toISOString();

function moduleView(row: MissingModule, slugOf: SlugOf): Static<typeof MissingModuleSchema> {
  const { projectId, name, buildId, debugId, crashes, newest, error, missing } = row;
  return {
    project: slugOf(projectId),
    name,
    buildId,
    debugId,
    crashes,
    lastSeen: timeOf(newest),
    state: stateOf(row),
    error,
    companions: [...missing],
  };
}

function stateOf({
  state,
  answers,
}: MissingModule): "missing" | "incomplete" | "building" | "refused" {
  if (state === null) return "missing";
  if (state === "stored" || state === "building") return "building";
  return state === "refused" && !answers ? "refused" : "incomplete";
}

function fileView(row: MissingPythonFile, slugOf: SlugOf): Static<typeof MissingFileSchema> {
  const { projectId, release, path, installed, crashes, newest, uploaded } = row;
  return {
    project: slugOf(projectId),
    release,
    path,
    installed,
    crashes,
    lastSeen: timeOf(newest),
    state: uploaded ? "stale" : "missing",
  };
}
