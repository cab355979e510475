/** /livez, /readyz, /metrics: for orchestrators and Prometheus; open to all who reach the port. */
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { media } from "../schemas/common.ts";

const HealthSchema = Type.Object({
  status: Type.Enum(["ready", "spooling", "unready"], {
    description:
      "spooling: Postgres is away, crashes are taken all the same. unready: they can be kept nowhere.",
  }),
  database: Type.Boolean({ description: "Postgres answers." }),
  spool: Type.Object({ crashes: Type.Integer(), bytes: Type.Integer() }),
  queue: Type.Object({
    reachable: Type.Boolean({ description: "False: crashes wait, nothing is lost." }),
    depth: Type.Nullable(Type.Integer()),
  }),
});
export type Health = Static<typeof HealthSchema>;

const common = { tags: ["operation"], security: [] };

const schemas = {
  live: {
    ...common,
    operationId: "live",
    summary: "Is the process alive?",
    response: { 200: Type.Object({ status: Type.Const("ok") }) },
  },
  ready: {
    ...common,
    operationId: "ready",
    summary: "Can crashes be taken?",
    response: { 200: HealthSchema, 503: HealthSchema },
  },
  metrics: {
    ...common,
    operationId: "metrics",
    summary: "Metrics for Prometheus",
    response: { 200: media("text/plain", "Prometheus text format, version 0.0.4.") },
  },
};

export const healthRoutes: RoutePlugin<RouteDeps> = async (app, { health, metrics }) => {
  app.get("/livez", { schema: schemas.live }, async () => ({ status: "ok" as const }));

  app.get("/readyz", { schema: schemas.ready }, async (_request, reply) => {
    const found = await health();
    return await reply.code(found.status === "unready" ? 503 : 200).send(found);
  });

  app.get("/metrics", { schema: schemas.metrics }, async (_request, reply) => {
    void reply.type(metrics.registry.contentType);
    return await metrics.registry.metrics();
  });
};
