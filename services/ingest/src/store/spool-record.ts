/**
 * A spooled crash as a file: one line of text, the crash's fields as JSON, its bytes.
 *
 *   faultline-spool 1 <SHA-256 of all that follows, hex> <length of the JSON>\n
 *   {"id": …, "key": {"kind": …, "key": "<hex>"}, …}<content>
 *
 * The hash tells a whole file from one that a dying disk left. Version 1; a reader keeps every old one.
 */
import { hash } from "node:crypto";
import type { NewCrash } from "@faultline/shared";

const MAGIC = "faultline-spool 1";
const LINE = /^faultline-spool (\d+) ([0-9a-f]{64}) (\d{1,10})$/;
const MAX_LINE_BYTES = 120;

export class SpoolRecordError extends Error {
  override readonly name = "SpoolRecordError";
}

type StoredFields = Omit<NewCrash, "content" | "key"> & {
  readonly key: { readonly kind: "client" | "content"; readonly key: string } | null;
  readonly hasContent: boolean;
};

export function encodeCrash(crash: NewCrash): Buffer {
  const { content, key, ...rest } = crash;
  const fields: StoredFields = {
    ...rest,
    key: key === null ? null : { kind: key.kind, key: Buffer.from(key.key).toString("hex") },
    hasContent: content !== null,
  };
  const json = Buffer.from(JSON.stringify(fields));
  const body = Buffer.concat(content === null ? [json] : [json, content]);
  const hashed = Buffer.concat([Buffer.from(`${json.length}\n`), body]);
  return Buffer.concat([Buffer.from(`${MAGIC} ${hash("sha256", hashed, "hex")} `), hashed]);
}

/** Throws SpoolRecordError when the file is not exactly what was written. */
export function decodeCrash(bytes: Buffer): NewCrash {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf("\n");
  const match = LINE.exec(bytes.toString("latin1", 0, Math.max(end, 0)));
  if (match === null) throw new SpoolRecordError(`first line: wanted ${MAGIC}, found another`);
  const [, version, sha256, length] = match;
  if (version !== "1") throw new SpoolRecordError(`version: wanted 1, found ${version}`);
  const hashed = bytes.subarray(end - (length ?? "").length);
  if (hash("sha256", hashed, "hex") !== sha256) {
    throw new SpoolRecordError(
      `SHA-256 of the last ${hashed.length} bytes: wanted ${sha256}, found another`,
    );
  }
  const body = bytes.subarray(end + 1);
  const { key, hasContent, ...rest } = JSON.parse(
    body.toString("utf8", 0, Number(length)),
  ) as StoredFields;
  return {
    ...rest,
    key: key === null ? null : { kind: key.kind, key: Buffer.from(key.key, "hex") },
    content: hasContent ? body.subarray(Number(length)) : null,
  };
}
