/** /api/openapi.json, and /api/docs: the same for people. */
import { Type, type RoutePlugin } from "../schemas/build.ts";
import { renderDocs, type ApiDocument } from "../docs-page.ts";
import type { RouteDeps } from "../app.ts";
import { media } from "../schemas/common.ts";

const schemas = {
  document: {
    operationId: "openapi",
    summary: "This description, as OpenAPI 3.1",
    tags: ["operation"],
    security: [],
    response: { 200: Type.Record({}) },
  },
  page: {
    operationId: "docs",
    summary: "This description, as a page",
    tags: ["operation"],
    security: [],
    response: { 200: media("text/html", "A page without scripts.") },
  },
};

export const docsRoutes: RoutePlugin<RouteDeps> = async (app) => {
  app.get("/api/openapi.json", { schema: schemas.document }, async () => ({ ...app.swagger() }));

  app.get("/api/docs", { schema: schemas.page }, async (_request, reply) => {
    void reply
      .type("text/html; charset=utf-8")
      .header("x-content-type-options", "nosniff")
      .header(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      )
      .header("referrer-policy", "no-referrer");
    return renderDocs(app.swagger() as unknown as ApiDocument);
  });
};
