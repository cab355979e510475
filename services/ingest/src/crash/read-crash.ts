/** POST /api/v1/crashes: a body → one crash as its client sent it, every attachment whole, or nothing kept at all. */
import type { BlobStore } from "@faultline/shared";
import type { IncomingMessage } from "node:http";
import { readMultipart, type Part } from "../body/multipart.ts";
import { parseParameters } from "../body/part-head.ts";
import { peek } from "../body/peek.ts";
import { bodyOf } from "../body/source.ts";
import { Problem } from "../problem.ts";
import type { StoredAttachment } from "./attachment-writer.ts";
import { attachmentLimit, Attachments, crashLimit } from "./attachments.ts";
import { isMainDump, lookForDump } from "./dump-part.ts";
import { readMetadata, type ClientMetadata } from "./metadata.ts";
import { isDump, SIGNATURE_BYTES } from "./minidump/dump.ts";
import { fewParts, isPrivatePart, readField } from "./parts.ts";

export interface ReceivedCrash extends ClientMetadata {
  readonly attachments: readonly StoredAttachment[];
}

export interface CrashReading {
  readonly blobs: BlobStore;
  /** Keep what holds the environment and command line of the process. */
  readonly keepEnvironment: boolean;
}

/** What `curl --data-binary` and friends call a file when they are told nothing. */
const dumpTypes = new Set([
  "",
  "application/octet-stream",
  "application/x-www-form-urlencoded",
  "application/x-dmp",
]);

/** Throws a Problem when the request holds no crash we can keep; then nothing of it is left behind. */
export async function readCrash(
  raw: IncomingMessage,
  query: Readonly<Record<string, unknown>>,
  { blobs, keepEnvironment }: CrashReading,
): Promise<ReceivedCrash> {
  const type = parseParameters(raw.headers["content-type"] ?? "");
  const attachments = new Attachments(blobs, keepEnvironment);
  try {
    let metadata: Buffer | null = null;
    if (type.value === "multipart/form-data") {
      const parts = readMultipart(bodyOf(raw, crashLimit), type.parameters);
      metadata = await readParts(parts, attachments, keepEnvironment);
    } else if (dumpTypes.has(type.value) || type.value.startsWith("text/")) {
      await readBare(bodyOf(raw, attachmentLimit), attachments);
    } else {
      throw new Problem("unsupported-media-type", `Content-Type: ${type.value.slice(0, 100)}`, {
        todo: "Send multipart/form-data, or the dump alone as text/plain.",
      });
    }
    const client = readMetadata(metadata, query, keepEnvironment);
    return { ...client, attachments: await attachments.finish() };
  } catch (error) {
    await attachments.discard();
    throw error;
  }
}

/** The dump alone, of either kind. */
async function readBare(body: AsyncIterable<Buffer>, attachments: Attachments): Promise<void> {
  const peeked = await peek(body, SIGNATURE_BYTES);
  const name = isDump(peeked.head) ? "minidump" : "faulthandler";
  const contentType = name === "minidump" ? "application/x-dmp" : "text/plain";
  await attachments.add({ name, kind: name, contentType, body: peeked.body });
}

/** Answers with the metadata part's bytes. */
async function readParts(
  parts: AsyncIterable<Part>,
  attachments: Attachments,
  keepEnvironment: boolean,
): Promise<Buffer | null> {
  let metadata: Buffer | null = null;
  for await (const part of fewParts(parts)) {
    if (part.name === "metadata") metadata = await readField(part.body);
    else if (keepEnvironment || !isPrivatePart(part)) await addFile(part, attachments);
  }
  return metadata;
}

/** The first part named `faulthandler` is the text; a second one is kept like any other file. */
async function addFile(part: Part, attachments: Attachments): Promise<void> {
  const isText = part.name === "faulthandler" && !attachments.has("faulthandler");
  const file = {
    name: part.filename ?? part.name,
    contentType:
      part.contentType ?? (part.filename === null ? "text/plain" : "application/octet-stream"),
  };
  if (isText) {
    await attachments.add({ ...file, kind: "faulthandler", body: part.body });
    return;
  }
  const { isDump: isMinidump, body } = await lookForDump(part.name, part.body);
  const kind = isMinidump ? "minidump" : "other";
  await attachments.add({ ...file, kind, body, isNamed: isMainDump(part.name) });
}
