/**
 * Batches of rows with bytes, as two parameters of one prepared statement: the rows as JSON, and all
 * their bytes as one binary string that the rows point into (`at`, `length`). Arrays of bytea would
 * travel as hex text inside an array literal: twice the size, parsed byte by byte.
 */
export interface Packed {
  readonly json: string;
  readonly bytes: Buffer;
}

/** SQL that takes a row's bytes out of the second parameter; 1-based as substring() counts. */
export const unpacked =
  "case when r.at is null then null else substring($2::bytea from r.at for r.length) end";

/** `bytesOf` null: the column stays null. */
export function packRows<Row>(
  rows: readonly Row[],
  fields: (row: Row) => Record<string, unknown>,
  bytesOf: (row: Row) => Uint8Array | null,
): Packed {
  const parts: Uint8Array[] = [];
  let at = 1;
  const packed = rows.map((row) => {
    const bytes = bytesOf(row);
    if (bytes === null) return { ...fields(row), at: null, length: null };
    parts.push(bytes);
    const start = at;
    at += bytes.length;
    return { ...fields(row), at: start, length: bytes.length };
  });
  return { json: JSON.stringify(packed), bytes: Buffer.concat(parts) };
}
