/** Pages of listings. */
import type { FastifyReply } from "fastify";
import { nextLink } from "./cursor.ts";

/** `found`: one row more than the page holds when there is a next one. `last`: the row behind which that starts. */
export function page<Row>(
  found: readonly Row[],
  limit: number,
): { rows: readonly Row[]; last: Row | null } {
  const rows = found.slice(0, limit);
  return { rows, last: found.length > limit ? (rows.at(-1) ?? null) : null };
}

/** Header Link of a page that is not the last. */
export function linkNext(
  reply: FastifyReply,
  base: string,
  url: string,
  next: string | null,
): void {
  if (next !== null) void reply.header("link", nextLink(base, url, next));
}
