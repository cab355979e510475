/** GET /api/v1/repairs, /repairs/:id: crashes that are worked out again because their symbols came. */
import {
  DEFAULT_PAGE_ROWS,
  findRepair,
  listRepairs,
  repairKinds,
  repairStates,
  type RepairRow,
} from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { decodeRowCursor, encodeRowCursor } from "../cursor.ts";
import { REPAIR_MOVES } from "../limits.ts";
import { linkNext, page } from "../page.ts";
import { Problem } from "../problem.ts";
import { scopeOf } from "../project-scope.ts";
import {
  nextCursor,
  pageQuery,
  problems,
  RowId,
  Slug,
  Time,
  tokenProblems,
  tokenWith,
} from "../schemas/common.ts";

const common = { tags: ["symbols"], security: tokenWith("read", "symbols") };
const errors = problems("bad-request", "not-found", ...tokenProblems);

const State = Type.Enum(repairStates, {
  description: "waiting: until nothing more arrives for a moment.",
});

const repairFields = {
  id: Type.Integer(),
  project: Type.String({ description: "Slug." }),
  kind: Type.Enum(repairKinds, {
    description: "What changed: files of a release, a native module, the project's grouping rules.",
  }),
  name: Type.String({ description: "The release, the native module, the rules' revision." }),
  buildId: Type.Nullable(Type.String()),
  debugId: Type.Nullable(Type.String()),
  state: State,
  found: Type.Nullable(
    Type.Integer({ description: "Crashes that lacked it when the repair began." }),
  ),
  done: Type.Integer({ description: "Looked at, those included that came meanwhile." }),
  improved: Type.Integer({ description: "Of those, how many tell more now." }),
  moved: Type.Integer({ description: "And how many are in another group." }),
  createdAt: Time,
  startedAt: Type.Nullable(Time),
  finishedAt: Type.Nullable(Time),
  url: Type.String(),
};
const RepairSchema = Type.Object(repairFields);

const schemas = {
  list: {
    ...common,
    operationId: "listRepairs",
    summary:
      "List repairs: crashes that are worked out again because symbols came or rules changed",
    description: "Newest first. Those that have ended are kept for 30 days.",
    querystring: Type.Object({
      project: Type.Optional(Slug),
      state: Type.Optional(State),
      ...pageQuery,
    }),
    response: { 200: Type.Object({ repairs: Type.Array(RepairSchema), ...nextCursor }), ...errors },
  },
  read: {
    ...common,
    operationId: "readRepair",
    summary: "Read a repair, and which groups its crashes changed",
    params: Type.Object({ id: RowId }),
    response: {
      200: Type.Object({
        ...repairFields,
        groups: Type.Array(
          Type.Object({
            from: Type.Nullable(Type.Integer({ description: "Null: they were in no group." })),
            to: Type.Integer(),
            crashes: Type.Integer(),
          }),
          { description: `Most crashes first; at most ${REPAIR_MOVES}.` },
        ),
      }),
      ...errors,
    },
  },
};

export const repairRoutes: RoutePlugin<RouteDeps> = async (app, { db, guard, url }) => {
  const onRequest = guard.allow("read", "symbols");

  app.get("/api/v1/repairs", { schema: schemas.list, onRequest }, async (request, reply) => {
    const { project, state = null, cursor, limit = DEFAULT_PAGE_ROWS } = request.query;
    const scope = await scopeOf(db, guard.caller(request), project);
    const after = cursor === undefined ? null : decodeRowCursor("repairs", cursor);
    const { rows, last } = page(await listRepairs(db, scope.ids, state, after, limit + 1), limit);
    const next = last === null ? null : encodeRowCursor("repairs", last.id);
    const base = baseUrl(url, request);
    linkNext(reply, base, request.url, next);
    return { repairs: rows.map((row) => repairView(row, scope.slugOf, base)), next };
  });

  app.get("/api/v1/repairs/:id", { schema: schemas.read, onRequest }, async (request) => {
    const scope = await scopeOf(db, guard.caller(request), undefined);
    const { id } = request.params;
    const repair = await findRepair(db, scope.ids, id, REPAIR_MOVES);
    if (repair === null) throw new Problem("not-found", `repair ${id}`);
    const view = repairView(repair, scope.slugOf, baseUrl(url, request));
    return {
      ...view,
      groups: repair.groups.map(({ from, to, crashes }) => ({ from, to, crashes })),
    };
  });
};

function repairView(
  { projectId, id, kind, name, buildId, debugId, state, ...row }: RepairRow,
  slugOf: (projectId: number) => string,
  base: string,
): Static<typeof RepairSchema> {
  const { found, done, improved, moved } = row;
  return {
    id,
    project: slugOf(projectId),
    kind,
    name,
    buildId,
    debugId,
    state,
    found,
    done,
    improved,
    moved,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    url: `${base}/api/v1/repairs/${id}`,
  };
}
