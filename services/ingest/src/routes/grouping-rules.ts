/** /api/v1/projects/:slug/grouping-rules: a project's own grouping rules, and what a change of them would do. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  applyPreview,
  findGroupingRules,
  findPreview,
  groupsOfKeys,
  openPreview,
  type GroupingRules,
  type Pool,
  type RulePreviewRow,
} from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { actorOf } from "../actor.ts";
import { MAX_RULES_CHARS, PREVIEW_MOVES, PREVIEW_POLL_MS, PREVIEW_WAIT_MS } from "../limits.ts";
import { Problem } from "../problem.ts";
import { projectFor } from "../project-scope.ts";
import {
  bodyProblems,
  problems,
  RowId,
  Slug,
  text,
  Time,
  tokenProblems,
  tokenWith,
} from "../schemas/common.ts";

const rulesText = text({
  maxLength: MAX_RULES_CHARS,
  description:
    "One rule a line: MATCHER… -> ACTION. Matchers, all of which must hold, are globs of a frame (fn:, obj:, py:, file:) or " +
    'of the crash (kind:, msg:); actions skip, cut, prefix, app, notapp, culprit, kind=…, key="…{default}…". ' +
    "The first rule that matches a frame decides; # begins a comment.",
});

const RulesSchema = Type.Object({
  project: Type.String({ description: "Slug." }),
  revision: Type.Integer({ description: "0: there are none." }),
  text: rulesText,
  changedBy: Type.Nullable(Type.String({ description: "A token." })),
  changedAt: Type.Nullable(Time),
});

const PreviewSchema = Type.Object({
  id: Type.Integer(),
  revision: Type.Integer({ description: "Of the rules that it was compared with." }),
  problems: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() }), {
    description: "Lines that are no rules; with any, the preview cannot be put in force.",
  }),
  crashes: Type.Integer({ description: "The project's newest, which it was tried on." }),
  touched: Type.Integer({ description: "Of those, how many the change says something of." }),
  groupsBefore: Type.Integer(),
  groupsAfter: Type.Integer(),
  moved: Type.Integer({ description: "Crashes that would get another key." }),
  moves: Type.Array(
    Type.Object({
      from: Type.Nullable(Type.Integer({ description: "Group that the key leads to now." })),
      to: Type.Nullable(
        Type.Integer({ description: "Group that the other key leads to; null: a new one." }),
      ),
      fromKey: Type.String(),
      toKey: Type.String(),
      crashes: Type.Integer(),
    }),
    { description: `Most crashes first; at most ${PREVIEW_MOVES}.` },
  ),
});

const common = { tags: ["groups"], params: Type.Object({ slug: Slug }) };
const errors = problems(...bodyProblems, "not-found", ...tokenProblems);

const schemas = {
  read: {
    ...common,
    security: tokenWith("read"),
    operationId: "readGroupingRules",
    summary: "Read a project's grouping rules",
    response: { 200: RulesSchema, ...errors },
  },
  preview: {
    ...common,
    security: tokenWith("admin"),
    operationId: "previewGroupingRules",
    summary: "Try rules on the project's newest crashes",
    description: "Changes nothing. A symbolicator works it out.",
    body: Type.Object({ text: rulesText }),
    response: {
      200: PreviewSchema,
      ...problems(...bodyProblems, "not-found", "too-slow", ...tokenProblems),
    },
  },
  apply: {
    ...common,
    security: tokenWith("admin"),
    operationId: "changeGroupingRules",
    summary: "Put rules in force that were tried",
    description:
      "Crashes are grouped by them from now on; those there are follow in the background, newest first (`/api/v1/repairs`). " +
      "No crash leaves a group that a user put together.",
    body: Type.Object({ preview: RowId }),
    response: {
      200: RulesSchema,
      ...problems(...bodyProblems, "not-found", "conflict", ...tokenProblems),
    },
  },
};

export const groupingRuleRoutes: RoutePlugin<RouteDeps> = async (app, { db, guard }) => {
  const url = "/api/v1/projects/:slug/grouping-rules";

  app.get(url, { schema: schemas.read, onRequest: guard.allow("read") }, async (request) => {
    const { id, slug } = await projectFor(db, guard.caller(request), request.params.slug);
    return rulesView(slug, await findGroupingRules(db, id));
  });

  app.post(
    `${url}/preview`,
    { schema: schemas.preview, onRequest: guard.allow("admin") },
    async (request) => {
      const { id: projectId } = await projectFor(db, guard.caller(request), request.params.slug);
      const id = await openPreview(db, projectId, request.body.text);
      return await previewView(db, await answered(db, projectId, id));
    },
  );

  app.put(url, { schema: schemas.apply, onRequest: guard.allow("admin") }, async (request) => {
    const caller = guard.caller(request);
    const { id, slug } = await projectFor(db, caller, request.params.slug);
    const { preview } = request.body;
    const applied = await applyPreview(db, id, preview, actorOf(caller.token));
    if (typeof applied === "string") throw notApplied(preview, applied);
    return rulesView(slug, await findGroupingRules(db, id));
  });
};

function notApplied(id: number, why: "absent" | "outdated" | "unfit"): Problem {
  if (why === "absent") return new Problem("not-found", `preview ${id}`);
  const todo = "Ask for a preview, and look at it.";
  return why === "outdated"
    ? new Problem("conflict", `preview ${id}: the rules were changed since`, { todo })
    : new Problem("bad-request", `preview ${id}: it has lines that are no rules`, { todo });
}

/** Waits for whoever works previews out. */
async function answered(db: Pool, projectId: number, id: number): Promise<RulePreviewRow> {
  for (const end = performance.now() + PREVIEW_WAIT_MS; performance.now() < end;) {
    const preview = await findPreview(db, projectId, id);
    if (preview !== null && preview.state !== "waiting") return preview;
    await sleep(PREVIEW_POLL_MS);
  }
  throw new Problem(
    "too-slow",
    `preview ${id}: no symbolicator answered within PREVIEW_WAIT_MS (${PREVIEW_WAIT_MS} ms)`,
    { todo: "Is a symbolicator running?" },
  );
}

async function previewView(
  db: Pool,
  { id, projectId, revision, problems: lines, result }: RulePreviewRow,
): Promise<Static<typeof PreviewSchema>> {
  if (result === null)
    throw new Problem("too-slow", `preview ${id}: the crashes took too long or too much memory`);
  const moves = result.moves.slice(0, PREVIEW_MOVES);
  const keys = moves.flatMap(({ from, to }) => [from, to]);
  const groups = await groupsOfKeys(db, projectId, keys);
  const { crashes, touched, groupsBefore, groupsAfter } = result;
  return {
    id,
    revision,
    problems: lines.map(({ line, problem }) => ({ line, problem })),
    crashes,
    touched,
    groupsBefore,
    groupsAfter,
    moved: result.moves.reduce((sum, move) => sum + move.crashes, 0),
    moves: moves.map((move) => ({
      from: groups.get(move.from) ?? null,
      to: groups.get(move.to) ?? null,
      fromKey: move.from,
      toKey: move.to,
      crashes: move.crashes,
    })),
  };
}

const rulesView = (
  slug: string,
  { revision, text: lines, actor, createdAt }: GroupingRules,
): Static<typeof RulesSchema> => ({
  project: slug,
  revision,
  text: lines,
  changedBy: actor,
  changedAt: createdAt?.toISOString() ?? null,
});
