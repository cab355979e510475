/**
 * What a client says about a crash beside its dump: the `metadata` part, filled up from the query.
 *
 * Read kindly where nothing is lost (numbers for texts, unknown fields), strictly where a slip would be
 * stored for good (a field of the wrong shape, an id that is no UUID).
 */
import { canonicalUuid, MAX_NAME_CHARS, MAX_TAGS, type CrashMetadata } from "@faultline/shared";
import { MAX_METADATA_DEPTH } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { isPrivate } from "./private-names.ts";
import { storable } from "./storable.ts";

export interface ClientMetadata {
  /** The client's own id for the crash, in canonical form; null when it gave none. */
  readonly id: string | null;
  readonly metadata: CrashMetadata;
}

type Fields = Readonly<Record<string, unknown>>;

const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** `part`: the bytes of the metadata part, null without one. Throws a Problem naming the field at fault. */
export function readMetadata(
  part: Buffer | null,
  query: Fields,
  keepEnvironment: boolean,
): ClientMetadata {
  const keep: Keep = (name, value) =>
    keepEnvironment || !isPrivate(name, isScalar(value) ? String(value) : null);
  const said: Fields = { ...given(query), ...given(part === null ? {} : parse(part)) };
  return {
    id: readId(said["id"]),
    metadata: {
      release: readText(said, "release"),
      environment: readText(said, "environment"),
      host: readText(said, "host"),
      pid: readPid(said["pid"]),
      time: readTime(said["time"]),
      pythonVersion: readText(said, "pythonVersion"),
      tags: readTags(said["tags"], keep),
      modules: readModules(said["modules"], keep),
    },
  };
}

const given = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== null && value !== undefined && value !== "",
    ),
  );

function parse(part: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(part.toString("utf8"));
  } catch (error) {
    throw new Problem("bad-metadata", `metadata: ${(error as Error).message}`, { cause: error });
  }
  if (!isObject(value)) throw wrong("metadata", "a JSON object", value);
  return value;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function wrong(field: string, wanted: string, found: unknown): Problem {
  const shown = isObject(found)
    ? "an object"
    : Array.isArray(found)
      ? "a list"
      : JSON.stringify(found);
  return new Problem("bad-metadata", `${field}: wanted ${wanted}, found ${shown.slice(0, 100)}`);
}

function readText(said: Fields, field: string): string | null {
  const value = said[field];
  return value === undefined ? null : scalar(value, `metadata.${field}`);
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

function scalar(value: unknown, field: string): string {
  if (!isScalar(value)) throw wrong(field, "text", value);
  return cut(String(value));
}

const cut = (text: string): string => storable(text.slice(0, MAX_NAME_CHARS));

/** The nil UUID is what uninitialised clients send: it would make all their crashes one. */
function readId(value: unknown): string | null {
  if (value === undefined) return null;
  const id = typeof value === "string" ? canonicalUuid(value) : null;
  if (id === null) throw wrong("metadata.id", "a UUID", value);
  return id === NIL_UUID ? null : id;
}

function readPid(value: unknown): number | null {
  if (value === undefined) return null;
  const pid = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(pid) || (pid as number) < 0) {
    throw wrong("metadata.pid", "a whole number", value);
  }
  return pid as number;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

export const isTime = (value: string): boolean =>
  RFC3339.test(value) && !Number.isNaN(Date.parse(value));

function readTime(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== "string" || !isTime(value)) {
    throw wrong("metadata.time", "an RFC 3339 time (2026-11-23T12:00:00Z)", value);
  }
  return value;
}

/** Which fields may be stored: not those of the environment and command line, unless asked for. */
type Keep = (name: string, value: unknown) => boolean;

function readTags(value: unknown, keep: Keep): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isObject(value)) throw wrong("metadata.tags", "an object", value);
  const tags = Object.entries(given(value)).filter(([name, tag]) => keep(name, tag));
  if (tags.length > MAX_TAGS) throw tooLarge("metadata.tags", "MAX_TAGS", MAX_TAGS);
  return Object.fromEntries(
    tags.map(([name, tag]) => [cut(name), scalar(tag, `metadata.tags.${name.slice(0, 50)}`)]),
  );
}

function readModules(value: unknown, keep: Keep): readonly Fields[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong("metadata.modules", "a list of objects", value);
  return value.map((module, at) => {
    if (!isObject(module)) throw wrong(`metadata.modules[${at}]`, "an object", module);
    return storableFields(module, keep, 2);
  });
}

const storableFields = (fields: Fields, keep: Keep, depth: number): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name, value]) => keep(name, value))
      .map(([name, value]) => [storable(name), storableValue(value, keep, depth)]),
  );

function storableValue(value: unknown, keep: Keep, depth: number): unknown {
  if (typeof value === "string") return storable(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_METADATA_DEPTH) {
    throw tooLarge("metadata: objects inside each other", "MAX_METADATA_DEPTH", MAX_METADATA_DEPTH);
  }
  return Array.isArray(value)
    ? value.map((entry) => storableValue(entry, keep, depth + 1))
    : storableFields(value as Fields, keep, depth + 1);
}
