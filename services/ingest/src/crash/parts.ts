/** What both ways to send a crash do with the parts of a form. */
import { MAX_METADATA_BYTES } from "@faultline/shared";
import type { Part } from "../body/multipart.ts";
import { MAX_CRASH_PARTS } from "../limits.ts";
import { tooLarge } from "../problem.ts";
import { isPrivate } from "./private-names.ts";

/** The parts, as long as they are not too many: then it throws a Problem. */
export async function* fewParts(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let count = 0;
  for await (const part of parts) {
    if (++count > MAX_CRASH_PARTS)
      throw tooLarge("parts of the body", "MAX_CRASH_PARTS", MAX_CRASH_PARTS);
    yield part;
  }
}

/** Whether it is called the environment or the command line. */
export const isPrivatePart = ({ name, filename }: Part): boolean =>
  isPrivate(name, null) || isPrivate(filename ?? "", null);

/** The bytes of the metadata part. Throws a Problem when they are too many. */
export async function readField(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const bytes = await readShort(body);
  if (bytes === null) throw tooLarge("part metadata", "MAX_METADATA_BYTES", MAX_METADATA_BYTES);
  return bytes;
}

/** Null when it is longer than all metadata may be; it is read to its end all the same. */
export async function readShort(body: AsyncIterable<Buffer>): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size <= MAX_METADATA_BYTES) chunks.push(chunk);
  }
  return size <= MAX_METADATA_BYTES ? Buffer.concat(chunks) : null;
}
