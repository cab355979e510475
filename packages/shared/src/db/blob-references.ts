/** Which blobs are still somebody's: those of symbols. What came with crashes lies on shelves and goes with its day. */
import type { Queryable } from "./pool.ts";

/** Blobs (hex) among these that a row refers to. Python and native files are named by their content, as blobs are. */
export async function findReferencedBlobs(
  db: Queryable,
  blobs: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ blob: string }>(
    `with asked as (select blob, decode(blob, 'hex') as sha256 from unnest($1::text[]) as blob)
     select asked.blob from asked join symbol_files using (sha256)
     union select asked.blob from asked join native_files using (sha256)
     union select asked.blob from asked join native_caches using (blob)`,
    [blobs],
  );
  return new Set(rows.map(({ blob }) => blob));
}
