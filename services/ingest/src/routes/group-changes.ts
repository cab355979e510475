/** PATCH /api/v1/groups/:id; POST /groups/:id/merge, …/unmerge, …/split. */
import {
  addRule,
  findReport,
  mergeGroups,
  noteActivity,
  setGroupStatus,
  unmergeKeys,
  type Grouping,
  type GroupRow,
  type Pool,
} from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { actorOf } from "../actor.ts";
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
  split: {
    ...common,
    operationId: "splitGroup",
    summary: "Split a native group by what called its function",
    description:
      "For a function that does a small thing for many callers: a rule `… -> prefix` is added to the project's rules, which has " +
      "the caller name the group. Its crashes go where that sends them, in the background.",
    response: {
      200: Type.Object({ rule: Type.String(), revision: Type.Integer() }),
      ...problems("bad-request", "not-found", ...tokenProblems),
    },
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

/** Of the function that names a native group: one that does a small thing for its callers, who are to name theirs. */
function prefixRuleOf({ mode, frames }: Grouping): string | null {
  if (mode !== "native") return null;
  const named = frames.find(({ role, usedIn }) => role === "native" && usedIn.includes("mid"));
  const [, object, name] = /^([^:]+):(.+)$/s.exec(named?.token ?? "") ?? [];
  if (object === undefined || name === undefined || name.includes('"')) return null;
  return `obj:"${object}" fn:"${name}" -> prefix`;
}

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

  app.post("/api/v1/groups/:id/split", { schema: schemas.split, onRequest }, async (request) => {
    const caller = guard.caller(request);
    const scope = await scopeOf(db, caller, undefined);
    const group = await groupOf(db, scope, request.params.id);
    const rule = await splitRule(db, group);
    const actor = actorOf(caller.token);
    const revision = await addRule(db, group.projectId, rule, group.id, actor);
    const detail = { rule, revision };
    await noteActivity(db, [{ groupId: group.id, actor, what: "split", detail }]);
    return { rule, revision };
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

/** Throws a Problem for a group that no native function names. */
async function splitRule(db: Pool, group: GroupRow): Promise<string> {
  const grouping = (await findReport(db, null, group.newestCrash))?.report?.grouping ?? null;
  const rule = grouping === null ? null : prefixRuleOf(grouping);
  if (rule !== null) return rule;
  throw new Problem("bad-request", `group ${group.id}: no native function names it`, {
    todo: "Write a rule of your own: /api/v1/projects/SLUG/grouping-rules.",
  });
}

function notParted(id: number, why: "absent" | "unknown-keys" | "all-keys"): Problem {
  if (why === "absent") return new Problem("not-found", `group ${id}`);
  const todo = `Take some keys of \`members\` of GET /api/v1/groups/${id}.`;
  const detail =
    why === "all-keys"
      ? `keys: wanted some of group ${id}, found all of them`
      : `keys: wanted keys of group ${id}, found others among them`;
  return new Problem("bad-request", detail, { todo });
}
