/** Routes that read their bodies themselves, as streams, and how such bodies are described. */
import type { FastifyInstance } from "fastify";

/** `content` of an OpenAPI request body. */
export type BodyContent = Readonly<Record<string, { schema: object }>>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Describes a body that the route reads itself. */
    body?: BodyContent;
  }
}

/** No body of this plugin's routes is parsed or limited by Fastify. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
}

/** `parts`: name and description of each part that has a meaning. */
export const multipartBody = (
  parts: Readonly<Record<string, string>>,
  description: string,
): BodyContent => ({
  "multipart/form-data": {
    schema: {
      type: "object",
      description,
      properties: Object.fromEntries(
        Object.entries(parts).map(([name, text]) => [name, { type: "string", description: text }]),
      ),
    },
  },
});

export const rawBody = (type: string, description: string): BodyContent => ({
  [type]: { schema: { type: "string", description } },
});
