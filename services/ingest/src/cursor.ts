/** Cursors: opaque to clients, checked as strictly as any other input when they come back. */
import { canonicalUuid, groupSorts, type GroupCursor, type GroupSort } from "@faultline/shared";
import { Problem } from "./problem.ts";

const encode = (value: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(value)) return value;
  } catch {
    // the same refusal as for any other text that is no cursor
  }
  throw notOurs();
}

const notOurs = (): Problem =>
  new Problem("bad-request", "cursor: not one that this listing gave", {
    todo: "Take `next` of the page before, with the same sort; leave it out to start anew.",
  });

export const encodeGroupCursor = (sort: GroupSort, { value, id }: GroupCursor): string =>
  encode([sort, value, id]);

/** Throws a Problem unless the cursor came from a listing of the same sort. */
export function decodeGroupCursor(sort: GroupSort, cursor: string): GroupCursor {
  const [of, value, id] = decode(cursor);
  const isSort = groupSorts.some((known) => known === of) && of === sort;
  const isId = Number.isSafeInteger(id) && (id as number) > 0;
  if (!isSort || !isId || typeof value !== "string" || !isValue(sort, value)) throw notOurs();
  return { value, id: id as number };
}

function isValue(sort: GroupSort, value: string): boolean {
  if (sort === "count") return /^\d{1,15}$/.test(value);
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value))
  );
}

export const encodeCrashCursor = (id: string): string => encode(["crash", id]);

export function decodeCrashCursor(cursor: string): string {
  const [of, id] = decode(cursor);
  const crash = of === "crash" && typeof id === "string" ? canonicalUuid(id) : null;
  if (crash === null) throw notOurs();
  return crash;
}

/** Of a listing by row number; `of` names the listing. */
export const encodeRowCursor = (of: string, id: number): string => encode([of, id]);

export function decodeRowCursor(of: string, cursor: string): number {
  const [from, id] = decode(cursor);
  if (from !== of || !Number.isSafeInteger(id) || (id as number) < 1) throw notOurs();
  return id as number;
}

/** Header Link (RFC 8288) of a page that is not the last. */
export function nextLink(base: string, url: string, cursor: string): string {
  const next = new URL(url, base);
  next.searchParams.set("cursor", cursor);
  return `<${base}${next.pathname}${next.search}>; rel="next"`;
}
