/** OpenAPI 3.1, made of the routes' schemas by @fastify/swagger. */
import { readFileSync } from "node:fs";
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** To be called before the routes are registered: only those that follow are described. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Faultline",
        version: manifest.version,
        description:
          "Crashes in, explained groups out. Errors are problem documents (RFC 9457) with a stable code.",
      },
      tags: [
        { name: "crashes", description: "Sending and reading crashes" },
        { name: "groups", description: "The crashes of one bug" },
        { name: "symbols", description: "Compiled Python files and sources of releases" },
        { name: "administration", description: "Projects, ingest keys, API tokens" },
        { name: "operation", description: "Health and metrics" },
      ],
      components: {
        securitySchemes: {
          ingestKey: {
            type: "http",
            scheme: "bearer",
            description: "Ingest key: public, may only send crashes.",
          },
          ingestKeyInQuery: { type: "apiKey", in: "query", name: "key" },
          sentryKeyInQuery: { type: "apiKey", in: "query", name: "sentry_key" },
          sentryAuth: {
            type: "apiKey",
            in: "header",
            name: "X-Sentry-Auth",
            description: "Sentry sentry_key=KEY, …",
          },
          token: {
            type: "http",
            scheme: "bearer",
            description: "API token, with the scopes named at the route.",
          },
        },
      },
    },
    refResolver: { buildLocalReference: ({ $id }) => (typeof $id === "string" ? $id : "") },
    transform: ({ schema, url, route }) => {
      const content = route.config?.body;
      return { schema: content === undefined ? schema : { ...schema, body: { content } }, url };
    },
  });
}
