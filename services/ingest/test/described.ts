/**
 * Holds answers to their description: every answer that passes through `check` must be listed in
 * /api/openapi.json under its route and status, and a JSON body must fit its schema, with no field more.
 */
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { expect } from "vitest";

type Json = Record<string, unknown>;

export interface ApiDescription {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json };
}

export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: Json;
  }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: Json }> }
  >;
}

/** Of an injected request, or of a real one. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>;
  readonly body: string;
}

export interface Described {
  readonly document: ApiDescription;
  /** Whether a JSON Schema can be compiled at all; throws otherwise. */
  compile(schema: Json): (value: unknown) => boolean;
  check(method: string, url: string, answer: Answer): void;
}

export async function describeAnswers(app: FastifyInstance): Promise<Described> {
  const document = (await app.inject("/api/openapi.json")).json<ApiDescription>();
  const compile = await compiler();
  return {
    document,
    compile: (schema) => compile(schema),
    check(method, url, answer) {
      const [path, operation] = operationOf(document, method, url);
      const described = operation.responses[String(answer.statusCode)];
      const name = `${method} ${path} ${answer.statusCode}`;
      expect(described, `${name} is described`).toBeDefined();
      const type = String(answer.headers["content-type"] ?? "").split(";", 1)[0] ?? "";
      const content = described?.content?.[type];
      if (answer.body === "") return;
      expect(
        content,
        `${name} as ${type} is described: ${answer.body.slice(0, 200)}`,
      ).toBeDefined();
      if (!type.endsWith("json")) return;
      const fits = compile(closed(resolved(content?.schema ?? {}, document)));
      const body: unknown = JSON.parse(answer.body);
      expect(fits(body), `${name}: ${JSON.stringify((fits as { errors?: unknown }).errors)}`).toBe(
        true,
      );
    },
  };
}

function operationOf(document: ApiDescription, method: string, url: string): [string, Operation] {
  const path = url.split("?", 1)[0] ?? "";
  const exact = (template: string): RegExp =>
    new RegExp(`^${template.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  // the more fixed one first: /crashes/{id}.txt before /crashes/{id}
  const templates = Object.keys(document.paths).toSorted((a, b) => b.length - a.length);
  const template = templates.find(
    (one) => exact(one).test(path) && document.paths[one]?.[method.toLowerCase()] !== undefined,
  );
  const operation = document.paths[template ?? ""]?.[method.toLowerCase()];
  if (template === undefined || operation === undefined)
    throw new Error(`${method} ${url} is not described`);
  return [template, operation];
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** References of the document in place. */
export function resolved(schema: unknown, document: ApiDescription): Json {
  if (Array.isArray(schema)) return schema.map((one) => resolved(one, document)) as unknown as Json;
  if (!isObject(schema)) return schema as Json;
  const { $ref, ...rest } = schema;
  if (typeof $ref === "string") {
    const name = $ref.split("/").at(-1) ?? "";
    const target = document.components.schemas[name];
    if (target === undefined) throw new Error(`${$ref} leads nowhere`);
    return resolved(target, document);
  }
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, resolved(value, document)]),
  );
}

/** Objects with named properties have no others. */
function closed(schema: unknown): Json {
  if (Array.isArray(schema)) return schema.map(closed) as unknown as Json;
  if (!isObject(schema)) return schema as Json;
  const inner: Record<string, unknown> = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closed(value)]),
  );
  return "properties" in inner &&
    typeof inner["properties"] === "object" &&
    inner["type"] === "object"
    ? { ...inner, additionalProperties: false }
    : inner;
}

/** Fastify's own validator, without its kindnesses. */
async function compiler(): Promise<(schema: Json) => (value: unknown) => boolean> {
  const customOptions = {
    removeAdditional: false,
    coerceTypes: false,
    useDefaults: false,
    strict: false,
  } as const;
  const app = Fastify({ ajv: { customOptions } });
  let kept: FastifyRequest | undefined;
  app.get("/", async (request) => void (kept = request));
  await app.inject("/");
  return (schema) => {
    if (kept === undefined) throw new Error("no request was kept");
    const validate = kept.compileValidationSchema({ ...schema, $id: undefined });
    return validate as (value: unknown) => boolean;
  };
}
