/**
 * JSON Schema (2020-12) as values that carry the type they describe, so that a route's handler is typed
 * by its schema. The words are TypeBox's, as far as they are used here; TypeBox itself takes 22 MB of
 * memory (measured, version 1.4), in a process that is to rest below 150.
 */
import type {
  FastifyPluginAsync,
  FastifyPluginOptions,
  FastifyTypeProvider,
  RawServerDefault,
} from "fastify";

declare const described: unique symbol;
const optional = Symbol("optional");

export interface Schema<T = unknown> {
  readonly [described]?: T;
  readonly [keyword: string]: unknown;
}
export interface OptionalSchema<T = unknown> extends Schema<T> {
  readonly [optional]: true;
}
/** What fits a schema. */
export type Static<S> = S extends Schema<infer T> ? T : never;

type Properties = Readonly<Record<string, Schema>>;
type OptionalKeys<P> = { [K in keyof P]: P[K] extends OptionalSchema ? K : never }[keyof P];
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<P extends Properties> = Flat<
  { [K in Exclude<keyof P, OptionalKeys<P>>]: Static<P[K]> } & {
    [K in OptionalKeys<P>]?: Static<P[K]>;
  }
>;

/** Further keywords: description, maxLength, default, … */
type Keywords = Readonly<Record<string, unknown>>;

const isOptional = (schema: Schema): boolean => optional in schema;

export const Type = {
  String: (keywords: Keywords = {}): Schema<string> => ({ type: "string", ...keywords }),
  Integer: (keywords: Keywords = {}): Schema<number> => ({ type: "integer", ...keywords }),
  Number: (keywords: Keywords = {}): Schema<number> => ({ type: "number", ...keywords }),
  Boolean: (keywords: Keywords = {}): Schema<boolean> => ({ type: "boolean", ...keywords }),
  Null: (keywords: Keywords = {}): Schema<null> => ({ type: "null", ...keywords }),
  /** One of these texts. */
  Enum: <const T extends string>(values: readonly T[], keywords: Keywords = {}): Schema<T> => ({
    type: "string",
    enum: [...values],
    ...keywords,
  }),
  Const: <const T extends string | number>(value: T): Schema<T> => ({ const: value }),
  Nullable: <T>(schema: Schema<T>): Schema<T | null> => ({ anyOf: [schema, { type: "null" }] }),
  Union: <const S extends readonly Schema[]>(schemas: S): Schema<Static<S[number]>> => ({
    anyOf: [...schemas],
  }),
  Array: <T>(items: Schema<T>, keywords: Keywords = {}): Schema<T[]> => ({
    type: "array",
    items,
    ...keywords,
  }),
  Record: <T>(values: Schema<T>): Schema<Record<string, T>> => ({
    type: "object",
    additionalProperties: values,
  }),
  Optional: <T>(schema: Schema<T>): OptionalSchema<T> => ({ ...schema, [optional]: true }),
  Object: <const P extends Properties>(
    properties: P,
    keywords: Keywords = {},
  ): Schema<ObjectOf<P>> => {
    const required = Object.keys(properties).filter((name) => !isOptional(properties[name] ?? {}));
    return {
      type: "object",
      properties,
      ...(required.length > 0 ? { required } : {}),
      ...keywords,
    };
  },
  /** A schema whose type is known from elsewhere. */
  Of: <T>(schema: Schema): Schema<T> => schema as Schema<T>,
};

interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: Static<this["schema"]>;
  readonly serializer: Static<this["schema"]>;
}

/** A plugin whose handlers are typed by their routes' schemas. */
export type RoutePlugin<Options extends FastifyPluginOptions> = FastifyPluginAsync<
  Options,
  RawServerDefault,
  SchemaTypes
>;
