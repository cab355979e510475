/** /api/v1/projects and their ingest keys. */
import {
  createIngestKey,
  createProject,
  listIngestKeys,
  listProjects,
  revokeIngestKey,
} from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { Problem } from "../problem.ts";
import { projectFor } from "../project-scope.ts";
import {
  KeySchema,
  keyView,
  NewKey,
  NewProject,
  ProjectSchema,
} from "../schemas/administration.ts";
import { bodyProblems, problems, Slug, tokenProblems, tokenWith } from "../schemas/common.ts";

const common = { tags: ["administration"], security: tokenWith("admin") };
const errors = problems("bad-request", "not-found", ...tokenProblems);
const params = Type.Object({ slug: Slug });

const schemas = {
  list: {
    ...common,
    operationId: "listProjects",
    summary: "List projects",
    response: { 200: Type.Object({ projects: Type.Array(ProjectSchema) }), ...errors },
  },
  create: {
    ...common,
    operationId: "createProject",
    summary: "Make a project",
    description: "Wants a token that is good for every project.",
    body: NewProject,
    response: { 201: ProjectSchema, ...problems(...bodyProblems, "conflict", ...tokenProblems) },
  },
  keys: {
    ...common,
    operationId: "listKeys",
    summary: "List a project's ingest keys",
    params,
    response: { 200: Type.Object({ keys: Type.Array(KeySchema) }), ...errors },
  },
  createKey: {
    ...common,
    operationId: "createKey",
    summary: "Make an ingest key",
    params,
    body: NewKey,
    response: { 201: KeySchema, ...problems(...bodyProblems, "not-found", ...tokenProblems) },
  },
  revokeKey: {
    ...common,
    operationId: "revokeKey",
    summary: "Revoke an ingest key",
    description: "Within seconds nobody takes crashes for it any more.",
    params: Type.Object({ slug: Slug, key: Type.String({ pattern: "^[0-9a-f]{32}$" }) }),
    response: { 204: Type.Null({ description: "Done." }), ...errors },
  },
};

export const projectRoutes: RoutePlugin<RouteDeps> = async (app, { db, guard }) => {
  const onRequest = guard.allow("admin");

  app.get("/api/v1/projects", { schema: schemas.list, onRequest }, async (request) => {
    const { projectIds } = guard.caller(request);
    const projects = await listProjects(db);
    return {
      projects: projects
        .filter((project) => projectIds?.includes(project.id) ?? true)
        .map(({ slug, name }) => ({ slug, name })),
    };
  });

  app.post("/api/v1/projects", { schema: schemas.create, onRequest }, async (request, reply) => {
    if (guard.caller(request).projectIds !== null) {
      throw new Problem(
        "missing-scope",
        "making projects: wanted a token of every project, found one of a single project",
      );
    }
    const { slug, name = slug } = request.body;
    const project = await createProject(db, slug, name);
    if (project === null) throw new Problem("conflict", `project ${slug}: there is one already`);
    return await reply.code(201).send({ slug: project.slug, name: project.name });
  });

  app.get("/api/v1/projects/:slug/keys", { schema: schemas.keys, onRequest }, async (request) => {
    const project = await projectFor(db, guard.caller(request), request.params.slug);
    const keys = await listIngestKeys(db);
    return { keys: keys.filter((key) => key.projectId === project.id).map(keyView) };
  });

  app.post(
    "/api/v1/projects/:slug/keys",
    { schema: schemas.createKey, onRequest },
    async (request, reply) => {
      const project = await projectFor(db, guard.caller(request), request.params.slug);
      const key = await createIngestKey(db, project.id, request.body.label);
      return await reply.code(201).send(keyView(key));
    },
  );

  app.delete(
    "/api/v1/projects/:slug/keys/:key",
    { schema: schemas.revokeKey, onRequest },
    async (request, reply) => {
      const { slug, key } = request.params;
      const project = await projectFor(db, guard.caller(request), slug);
      const own = (await listIngestKeys(db)).some(
        (one) => one.key === key && one.projectId === project.id,
      );
      if (!own || !(await revokeIngestKey(db, key)))
        throw new Problem("not-found", `ingest key ${key} of ${slug}`);
      return await reply.code(204).send(null);
    },
  );
};
