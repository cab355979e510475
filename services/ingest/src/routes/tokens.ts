/** /api/v1/tokens. */
import { createToken, listTokens, revokeToken } from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import type { Caller } from "../auth/guard.ts";
import { Problem } from "../problem.ts";
import { projectFor, scopeOf } from "../project-scope.ts";
import { NewToken, NewTokenSchema, TokenSchema, tokenView } from "../schemas/administration.ts";
import { bodyProblems, problems, RowId, tokenProblems, tokenWith } from "../schemas/common.ts";

const common = { tags: ["administration"], security: tokenWith("admin") };
const errors = problems("bad-request", "not-found", ...tokenProblems);

const schemas = {
  list: {
    ...common,
    operationId: "listTokens",
    summary: "List API tokens",
    description: "A token of one project sees those of that project.",
    response: { 200: Type.Object({ tokens: Type.Array(TokenSchema) }), ...errors },
  },
  create: {
    ...common,
    operationId: "createToken",
    summary: "Make an API token",
    description:
      "Without `project` for every project, or for the one that the asking token is good for.",
    body: NewToken,
    response: { 201: NewTokenSchema, ...problems(...bodyProblems, "not-found", ...tokenProblems) },
  },
  revoke: {
    ...common,
    operationId: "revokeToken",
    summary: "Revoke an API token",
    params: Type.Object({ id: RowId }),
    response: { 204: Type.Null({ description: "Done." }), ...errors },
  },
};

export const tokenRoutes: RoutePlugin<RouteDeps> = async (app, { db, guard }) => {
  const onRequest = guard.allow("admin");

  app.get("/api/v1/tokens", { schema: schemas.list, onRequest }, async (request) => {
    const caller = guard.caller(request);
    const scope = await scopeOf(db, caller, undefined);
    const tokens = (await listTokens(db)).filter((token) => isVisible(token.projectId, caller));
    return { tokens: tokens.map((token) => tokenView(token, scope.slugOf)) };
  });

  app.post("/api/v1/tokens", { schema: schemas.create, onRequest }, async (request, reply) => {
    const caller = guard.caller(request);
    const { label, scopes, project: slug, expiresAt } = request.body;
    const isForAll = slug === undefined && caller.projectIds === null;
    const project = isForAll ? null : await projectFor(db, caller, slug);
    const { token, secret } = await createToken(db, {
      label,
      scopes,
      projectId: project?.id ?? null,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    });
    const view = tokenView(token, () => project?.slug ?? "");
    return await reply.code(201).send({ ...view, secret });
  });

  app.delete(
    "/api/v1/tokens/:id",
    { schema: schemas.revoke, onRequest },
    async (request, reply) => {
      const { id } = request.params;
      const caller = guard.caller(request);
      const own = (await listTokens(db)).some(
        (token) => token.id === id && isVisible(token.projectId, caller),
      );
      if (!own || !(await revokeToken(db, id))) throw new Problem("not-found", `token ${id}`);
      return await reply.code(204).send(null);
    },
  );
};

const isVisible = (projectId: number | null, caller: Caller): boolean =>
  caller.projectIds === null || (projectId !== null && caller.projectIds.includes(projectId));
