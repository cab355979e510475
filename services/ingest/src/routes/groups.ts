/** GET /api/v1/groups, /groups/:id, /groups/:id/crashes. */
import {
  cursorOf,
  DEFAULT_PAGE_ROWS,
  findGroup,
  groupSorts,
  listGroupCrashes,
  listGroups,
  type GroupRow,
  type GroupSort,
  type Pool,
} from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import {
  decodeCrashCursor,
  decodeGroupCursor,
  encodeCrashCursor,
  encodeGroupCursor,
} from "../cursor.ts";
import { groupDetail } from "../group-detail.ts";
import { linkNext, page } from "../page.ts";
import { Problem } from "../problem.ts";
import { scopeOf, type ProjectScope } from "../project-scope.ts";
import {
  Name,
  nextCursor,
  pageQuery,
  problems,
  RowId,
  Slug,
  Tag,
  text,
  tokenProblems,
  tokenWith,
} from "../schemas/common.ts";
import { CrashSummarySchema, summaryView } from "../schemas/crash.ts";
import { GroupDetailSchema, GroupSchema, groupView, Kind, Status } from "../schemas/group.ts";

const common = { tags: ["groups"], security: tokenWith("read") };
const errors = problems("bad-request", "not-found", ...tokenProblems);
const params = Type.Object({ id: RowId });

const schemas = {
  list: {
    ...common,
    operationId: "listGroups",
    summary: "List groups",
    querystring: Type.Object({
      project: Type.Optional(Slug),
      status: Type.Optional(Status),
      release: Type.Optional(Name),
      environment: Type.Optional(Name),
      kind: Type.Optional(Kind),
      tag: Type.Optional(Tag),
      q: Type.Optional(
        text({ maxLength: 200, description: "Part of the title or culprit, any case." }),
      ),
      sort: Type.Optional(
        Type.Enum(groupSorts, { default: "last_seen", description: "Greatest first." }),
      ),
      ...pageQuery,
    }),
    response: { 200: Type.Object({ groups: Type.Array(GroupSchema), ...nextCursor }), ...errors },
  },
  read: {
    ...common,
    operationId: "readGroup",
    summary: "Read a group: counts, releases, hosts, why its crashes belong together",
    params,
    response: { 200: GroupDetailSchema, ...errors },
  },
  crashes: {
    ...common,
    operationId: "listGroupCrashes",
    summary: "List a group's crashes, newest first",
    params,
    querystring: Type.Object({ tag: Type.Optional(Tag), ...pageQuery }),
    response: {
      200: Type.Object({ crashes: Type.Array(CrashSummarySchema), ...nextCursor }),
      ...errors,
    },
  },
};

export const groupRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const onRequest = guard.allow("read");

  app.get("/api/v1/groups", { schema: schemas.list, onRequest }, async (request, reply) => {
    const { project, status, release, environment, kind, tag, q, cursor } = request.query;
    const sort: GroupSort = request.query.sort ?? "last_seen";
    const limit = request.query.limit ?? DEFAULT_PAGE_ROWS;
    const scope = await scopeOf(db, guard.caller(request), project);
    const filter = {
      projectIds: scope.ids,
      status: status ?? null,
      release: release ?? null,
      environment: environment ?? null,
      kind: kind ?? null,
      text: q ?? null,
      tag: tag ?? null,
    };
    const after = cursor === undefined ? null : decodeGroupCursor(sort, cursor);
    const { rows, last } = page(await listGroups(db, filter, sort, after, limit + 1), limit);
    const base = baseUrl(deps.url, request);
    const next = last === null ? null : encodeGroupCursor(sort, cursorOf(last, sort));
    linkNext(reply, base, request.url, next);
    return { groups: rows.map((row) => groupView(row, scope.slugOf, base)), next };
  });

  app.get("/api/v1/groups/:id", { schema: schemas.read, onRequest }, async (request) => {
    const scope = await scopeOf(db, guard.caller(request), undefined);
    const group = await groupOf(db, scope, request.params.id);
    return await groupDetail(db, group, scope, baseUrl(deps.url, request), new Date());
  });

  app.get(
    "/api/v1/groups/:id/crashes",
    { schema: schemas.crashes, onRequest },
    async (request, reply) => {
      const scope = await scopeOf(db, guard.caller(request), undefined);
      const { id } = await groupOf(db, scope, request.params.id);
      const { tag = null, cursor, limit = DEFAULT_PAGE_ROWS } = request.query;
      const before = cursor === undefined ? null : decodeCrashCursor(cursor);
      const { rows, last } = page(await listGroupCrashes(db, id, tag, before, limit + 1), limit);
      const next = last === null ? null : encodeCrashCursor(last.id);
      linkNext(reply, baseUrl(deps.url, request), request.url, next);
      return { crashes: rows.map((row) => summaryView(row, scope.slugOf)), next };
    },
  );
};

/** Throws a Problem when there is no such group. One that is joined to another answers with that. */
export async function groupOf(db: Pool, scope: ProjectScope, id: number): Promise<GroupRow> {
  const group = await findGroup(db, scope.ids, id);
  if (group === null) throw new Problem("not-found", `group ${id}`);
  return group;
}
