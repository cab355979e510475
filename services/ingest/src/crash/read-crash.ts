/** A request's body → one crash as its client sent it: every attachment whole, or nothing kept at all. */
import {
  MAX_ATTACHMENT_BYTES,
  MAX_ATTACHMENTS,
  MAX_CRASH_BYTES,
  MAX_METADATA_BYTES,
  MAX_NAME_CHARS,
  MAX_TEXT_BYTES,
  type BlobStore,
} from "@faultline/shared";
import type { IncomingMessage } from "node:http";
import { readMultipart, type Part } from "../body/multipart.ts";
import { parseParameters } from "../body/part-head.ts";
import { bodyOf } from "../body/source.ts";
import { MAX_CRASH_PARTS } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { AttachmentWriter, type StoredAttachment } from "./attachment-writer.ts";
import { readMetadata, type ClientMetadata } from "./metadata.ts";
import { storable } from "./storable.ts";

export interface ReceivedCrash extends ClientMetadata {
  readonly attachments: readonly StoredAttachment[];
}

const textLimit = { name: "MAX_TEXT_BYTES", bytes: MAX_TEXT_BYTES };
const attachmentLimit = { name: "MAX_ATTACHMENT_BYTES", bytes: MAX_ATTACHMENT_BYTES };
const crashLimit = { name: "MAX_CRASH_BYTES", bytes: MAX_CRASH_BYTES };

/** What `curl --data-binary` and friends call a file when they are told nothing. */
const dumpTypes = new Set(["", "application/octet-stream", "application/x-www-form-urlencoded"]);

/** Throws a Problem when the request holds no crash we can keep; then nothing of it is left behind. */
export async function readCrash(
  raw: IncomingMessage,
  query: Readonly<Record<string, unknown>>,
  blobs: BlobStore,
): Promise<ReceivedCrash> {
  const type = parseParameters(raw.headers["content-type"] ?? "");
  const writers: AttachmentWriter[] = [];
  try {
    let metadata: Buffer | null = null;
    if (type.value === "multipart/form-data") {
      const parts = readMultipart(bodyOf(raw, crashLimit), type.parameters);
      metadata = await readParts(parts, blobs, writers);
    } else if (dumpTypes.has(type.value) || type.value.startsWith("text/")) {
      const writer = new AttachmentWriter(
        blobs,
        "faulthandler",
        "faulthandler",
        "text/plain",
        textLimit,
      );
      writers.push(writer);
      for await (const chunk of bodyOf(raw, textLimit)) await writer.write(chunk);
    } else {
      throw new Problem("unsupported-media-type", `Content-Type: ${type.value.slice(0, 100)}`, {
        todo: "Send multipart/form-data, or the dump alone as text/plain.",
      });
    }
    const client = readMetadata(metadata, query);
    checkDumps(writers);
    return { ...client, attachments: await Promise.all(writers.map((writer) => writer.finish())) };
  } catch (error) {
    await Promise.allSettled(writers.map((writer) => writer.discard()));
    throw error;
  }
}

/** Answers with the metadata part's bytes. */
async function readParts(
  parts: AsyncIterable<Part>,
  blobs: BlobStore,
  writers: AttachmentWriter[],
): Promise<Buffer | null> {
  let metadata: Buffer | null = null;
  let count = 0;
  for await (const part of parts) {
    if (++count > MAX_CRASH_PARTS)
      throw tooLarge("parts of the body", "MAX_CRASH_PARTS", MAX_CRASH_PARTS);
    if (part.name === "metadata") {
      metadata = await readField(part.body);
      continue;
    }
    if (writers.length === MAX_ATTACHMENTS)
      throw tooLarge("attachments", "MAX_ATTACHMENTS", MAX_ATTACHMENTS);
    const writer = writerFor(part, blobs, writers);
    writers.push(writer);
    for await (const chunk of part.body) await writer.write(chunk);
  }
  return metadata;
}

async function readField(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_METADATA_BYTES)
      throw tooLarge("part metadata", "MAX_METADATA_BYTES", MAX_METADATA_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The first part named so is the dump; a second one is kept like any other file. */
function writerFor(
  part: Part,
  blobs: BlobStore,
  writers: readonly AttachmentWriter[],
): AttachmentWriter {
  const named = (["faulthandler", "minidump"] as const).find((kind) => kind === part.name);
  const kind =
    named === undefined || writers.some((writer) => writer.kind === named) ? "other" : named;
  const name = uniqueName(safeName(part.filename ?? part.name), writers);
  const type =
    part.contentType ?? (part.filename === null ? "text/plain" : "application/octet-stream");
  return new AttachmentWriter(
    blobs,
    name,
    kind,
    type,
    kind === "faulthandler" ? textLimit : attachmentLimit,
  );
}

/** The last part of a path, without what a terminal or a file system would stumble over. */
function safeName(sent: string): string {
  const last = sent.split(/[/\\]/).findLast((piece) => piece !== "") ?? "";
  const clean = storable(last)
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, "")
    .slice(0, MAX_NAME_CHARS)
    .toWellFormed();
  return /^\.*$/.test(clean) ? "attachment" : clean;
}

function uniqueName(name: string, writers: readonly AttachmentWriter[]): string {
  const taken = new Set(writers.map((writer) => writer.name));
  for (let count = 2, unique = name; ; count++) {
    if (!taken.has(unique)) return unique;
    unique = `${name.slice(0, MAX_NAME_CHARS - 3)}-${count}`;
  }
}

function checkDumps(writers: readonly AttachmentWriter[]): void {
  const dumps = writers.filter((writer) => writer.kind !== "other");
  if (dumps.length === 0) {
    const names = writers.map((writer) => JSON.stringify(writer.name)).join(", ") || "nothing";
    throw new Problem(
      "no-dump",
      `parts of the body: wanted one named faulthandler or minidump, found ${names}`,
    );
  }
  const empty = dumps.find((dump) => dump.size === 0);
  if (empty !== undefined)
    throw new Problem("empty-dump", `${JSON.stringify(empty.name)} has 0 bytes`);
}
