/** Schemas that several routes share. */
import {
  DEFAULT_PAGE_ROWS,
  MAX_NAME_CHARS,
  MAX_PAGE_ROWS,
  type TokenScope,
} from "@faultline/shared";
import { Type, type Schema } from "./build.ts";
import { problemKinds, type ProblemCode, type ProblemDocument } from "../problem.ts";

/** Registered once with the app; routes refer to it by `problem`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: "Where the code is explained." }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({
      description: "What was read, where, what was wanted and what was found.",
    }),
    code: Type.Enum(Object.keys(problemKinds), { description: "Stable: programs may act on it." }),
    todo: Type.String({ description: "What to do next." }),
  },
  { $id: "Problem", description: "RFC 9457; media type application/problem+json." },
);

/** The `response` entries of the errors a route may answer with: one a status, naming its codes. */
export const problems = (...codes: ProblemCode[]): Record<number, Schema<ProblemDocument>> =>
  described<ProblemDocument>(codes, {
    "application/problem+json": { schema: Type.Of<ProblemDocument>({ $ref: "Problem#" }) },
  });

/** The same for clients that read no JSON: one line, the code first. */
export const plainProblems = (...codes: ProblemCode[]): Record<number, Schema<string>> =>
  described<string>(codes, { "text/plain": { schema: Type.String() } });

function described<T>(codes: readonly ProblemCode[], content: object): Record<number, Schema<T>> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...codes, "internal" as const]) {
    const { status } = problemKinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      {
        description: named.map((code) => `${code}: ${problemKinds[code].title}.`).join(" "),
        content,
      },
    ]),
  );
}

/** Errors of every route that wants a token. */
export const tokenProblems = [
  "no-credentials",
  "bad-credentials",
  "missing-scope",
  "too-many-requests",
  "database-away",
] as const;

/** Errors of every route that takes JSON. */
export const bodyProblems = ["bad-request", "too-large", "unsupported-media-type"] as const;

/** `security` entries: a token with one of these scopes. */
export const tokenWith = (...scopes: readonly TokenScope[]): { [name: string]: string[] }[] =>
  scopes.map((scope) => ({ token: [scope] }));

/** A body or answer that is not JSON. */
export const media = (type: string, description: string): Schema => ({
  description,
  content: { [type]: { schema: Type.String() } },
});

export const Uuid = Type.String({
  pattern: "^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$",
  description: "UUID",
});
export const Time = Type.String({ description: "RFC 3339" });
/** Text that Postgres can look for: it has no NUL. */
export const text = (options: { maxLength: number; minLength?: number; description?: string }) =>
  Type.String({ pattern: "^[^\\u0000]*$", ...options });
export const Name = text({ maxLength: MAX_NAME_CHARS });
export const Tag = Type.String({
  pattern: "^[^\\u0000]+:[^\\u0000]*$",
  maxLength: 2 * MAX_NAME_CHARS + 1,
  description: "A tag, as name:value.",
});
export const Slug = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" });
export const RowId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** Query of a listing. */
export const pageQuery = {
  cursor: Type.Optional(
    Type.String({
      maxLength: 500,
      description: "Where the page starts: `next` of the page before.",
    }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_PAGE_ROWS, default: DEFAULT_PAGE_ROWS }),
  ),
};

/** Part of a listing's answer. */
export const nextCursor = {
  next: Type.Nullable(
    Type.String({
      description: "Cursor of the next page, also in the header Link; null on the last.",
    }),
  ),
};
