/** Projects, ingest keys and API tokens. */
import { tokenScopes, type ApiToken, type IngestKey } from "@faultline/shared";
import { Type, type Static } from "./build.ts";
import { Name, Slug, text, Time } from "./common.ts";

const Label = text({ maxLength: 200, minLength: 1, description: "What a person tells it by." });
const Scope = Type.Enum(tokenScopes);

export const ProjectSchema = Type.Object({ slug: Slug, name: Type.String() });
export const NewProject = Type.Object({ slug: Slug, name: Type.Optional(Name) });

export const KeySchema = Type.Object({
  key: Type.String(),
  label: Type.String(),
  revokedAt: Type.Nullable(Time),
});
export const NewKey = Type.Object({ label: Label });

const tokenFields = {
  id: Type.Integer(),
  hint: Type.String({ description: "Its first characters." }),
  label: Type.String(),
  project: Type.Nullable(Type.String({ description: "Slug; null: every project." })),
  scopes: Type.Array(Scope),
  createdAt: Time,
  expiresAt: Type.Nullable(Time),
  lastUsedAt: Type.Nullable(Time),
  revokedAt: Type.Nullable(Time),
};
export const TokenSchema = Type.Object(tokenFields);
export const NewTokenSchema = Type.Object({
  ...tokenFields,
  secret: Type.String({ description: "Shown this once." }),
});
export const NewToken = Type.Object({
  label: Label,
  scopes: Type.Array(Scope, { minItems: 1, maxItems: tokenScopes.length, uniqueItems: true }),
  project: Type.Optional(Slug),
  expiresAt: Type.Optional(Type.String({ format: "date-time" })),
});

export const keyView = ({ key, label, revokedAt }: IngestKey): Static<typeof KeySchema> => ({
  key,
  label,
  revokedAt: revokedAt?.toISOString() ?? null,
});

export const tokenView = (
  token: ApiToken,
  slugOf: (projectId: number) => string,
): Static<typeof TokenSchema> => ({
  id: token.id,
  hint: token.hint,
  label: token.label,
  project: token.projectId === null ? null : slugOf(token.projectId),
  scopes: [...token.scopes],
  createdAt: token.createdAt.toISOString(),
  expiresAt: token.expiresAt?.toISOString() ?? null,
  lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  revokedAt: token.revokedAt?.toISOString() ?? null,
});
