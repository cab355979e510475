/** GET /api/v1/crashes: crashes by what they were tagged with, of whatever group. */
import { DEFAULT_PAGE_ROWS, listTaggedCrashes } from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { decodeCrashCursor, encodeCrashCursor } from "../cursor.ts";
import { linkNext, page } from "../page.ts";
import { scopeOf } from "../project-scope.ts";
import {
  nextCursor,
  pageQuery,
  problems,
  Slug,
  Tag,
  tokenProblems,
  tokenWith,
} from "../schemas/common.ts";
import { CrashSummarySchema, summaryView } from "../schemas/crash.ts";

const schema = {
  operationId: "listCrashes",
  summary: "List the crashes with a tag, newest first",
  description:
    "Processed ones. A crash handler's fields are tags too: the client that a person tells of is found by guid:…",
  tags: ["crashes"],
  security: tokenWith("read"),
  querystring: Type.Object({ tag: Tag, project: Type.Optional(Slug), ...pageQuery }),
  response: {
    200: Type.Object({ crashes: Type.Array(CrashSummarySchema), ...nextCursor }),
    ...problems("bad-request", "not-found", ...tokenProblems),
  },
};

export const crashListRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const onRequest = guard.allow("read");
  app.get("/api/v1/crashes", { schema, onRequest }, async (request, reply) => {
    const { tag, project, cursor, limit = DEFAULT_PAGE_ROWS } = request.query;
    const scope = await scopeOf(db, guard.caller(request), project);
    const before = cursor === undefined ? null : decodeCrashCursor(cursor);
    const found = await listTaggedCrashes(db, scope.ids, tag, before, limit + 1);
    const { rows, last } = page(found, limit);
    const next = last === null ? null : encodeCrashCursor(last.id);
    linkNext(reply, baseUrl(deps.url, request), request.url, next);
    return { crashes: rows.map((row) => summaryView(row, scope.slugOf)), next };
  });
};
