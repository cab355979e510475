/** PATCH /api/v1/groups/:id; POST /groups/:id/merge, /groups/:id/unmerge. */
import { mergeGroups, setGroupStatus, unmergeKeys, type ApiToken } from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { MAX_UNMERGED_KEYS } from "../limits.ts";
import { Problem } from "../problem.ts";
import { scopeOf } from "../project-scope.ts";
import {
  bodyProblems,
  problems,
  RowId,
  text,
  tokenProblems,
  tokenWith,
} from "../schemas/common.ts";
import { GroupSchema, groupView, Status } from "../schemas/group.ts";
import { groupOf } from "./groups.ts";

const common = {
  tags: ["groups"],
  security: tokenWith("admin"),
  params: Type.Object({ id: RowId }),
};
const errors = problems(...bodyProblems, "not-found", ...tokenProblems);

const schemas = {
  status: {
    ...common,
    operationId: "changeGroup",
    summary: "Resolve, mute or reopen a group",
    body: Type.Object({ status: Status }),
    response: { 200: GroupSchema, ...errors },
  },
  merge: {
    ...common,
    operationId: "mergeGroup",
    summary: "Show a group in another one",
    description:
      "Both stay what they are, with their keys and counts: nothing is rewritten, and unmerging undoes it. Crashes " +
      "that come later follow, as does the address of the group that was merged.",
    body: Type.Object({ into: RowId }),
    response: { 200: GroupSchema, ...errors },
  },
  unmerge: {
    ...common,
    operationId: "unmergeGroup",
    summary: "Part some of a group's keys from it",
    description:
      "They become one group of their own, with everything that was filed under them. No automatic join takes them " +
      "back. `members` of the group lists its keys.",
    body: Type.Object({
      keys: Type.Array(text({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: MAX_UNMERGED_KEYS,
      }),
    }),
    response: { 200: GroupSchema, ...errors },
  },
};

export const groupChangeRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const onRequest = guard.allow("admin");

  app.patch("/api/v1/groups/:id", { schema: schemas.status, onRequest }, async (request) => {
    const caller = guard.caller(request);
    const scope = await scopeOf(db, caller, undefined);
    const { id } = request.params;
    await setGroupStatus(db, scope.ids, id, request.body.status, actorOf(caller.token));
    const group = await groupOf(db, scope, id);
    return groupView(group, scope.slugOf, baseUrl(deps.url, request));
  });

  app.post("/api/v1/groups/:id/merge", { schema: schemas.merge, onRequest }, async (request) => {
    const caller = guard.caller(request);
    const scope = await scopeOf(db, caller, undefined);
    const { id } = request.params;
    const { into } = request.body;
    const merged = await mergeGroups(db, scope.ids, id, into, actorOf(caller.token));
    if (merged === "absent") throw new Problem("not-found", `group ${id}`);
    if (merged === "absent-target") throw new Problem("not-found", `into: group ${into}`);
    if (merged === "other-project")
      throw new Problem("bad-request", `into: group ${into} is another project's`, {
        todo: "Merge groups of one project.",
      });
    const group = await groupOf(db, scope, into);
    return groupView(group, scope.slugOf, baseUrl(deps.url, request));
  });

  app.post(
    "/api/v1/groups/:id/unmerge",
    { schema: schemas.unmerge, onRequest },
    async (request) => {
      const caller = guard.caller(request);
      const scope = await scopeOf(db, caller, undefined);
      const { id } = request.params;
      const { keys } = request.body;
      const parted = await unmergeKeys(db, scope.ids, id, keys, actorOf(caller.token));
      if (typeof parted === "string") throw notParted(id, parted);
      const group = await groupOf(db, scope, parted);
      return groupView(group, scope.slugOf, baseUrl(deps.url, request));
    },
  );
};

function notParted(id: number, why: "absent" | "unknown-keys" | "all-keys"): Problem {
  if (why === "absent") return new Problem("not-found", `group ${id}`);
  const todo = `Take some keys of \`members\` of GET /api/v1/groups/${id}.`;
  const detail =
    why === "all-keys"
      ? `keys: wanted some of group ${id}, found all of them`
      : `keys: wanted keys of group ${id}, found others among them`;
  return new Problem("bad-request", detail, { todo });
}

/** A token, as people tell it from others. */
const actorOf = ({ label, hint }: ApiToken): string => `${label} (${hint}…)`;
