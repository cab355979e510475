/**
 * POST /api/minidump: a body as crash handlers send it → one crash.
 *
 * Crashpad (util/net/http_multipart_builder.cc), Breakpad (common/linux/http_upload.cc), Electron, sentry-native:
 * text fields first, most without a type, then files, the dump among them under `upload_file_minidump`; or the dump
 * alone. A valid dump is not refused for what comes with it: what is too much is left out.
 */
import type { IncomingMessage } from "node:http";
import { canonicalUuid, MAX_METADATA_BYTES, MAX_TAGS } from "@faultline/shared";
import { readMultipart, type Part } from "../body/multipart.ts";
import { parseParameters } from "../body/part-head.ts";
import { peek } from "../body/peek.ts";
import { bodyOf } from "../body/source.ts";
import { Annotations } from "./annotations.ts";
import { attachmentLimit, Attachments, crashLimit } from "./attachments.ts";
import { isMainDump, lookForDump } from "./dump-part.ts";
import { MessagePackError, readMessagePack } from "./message-pack.ts";
import { readMetadata } from "./metadata.ts";
import { fewParts, isPrivatePart, readField, readShort } from "./parts.ts";
import type { CrashReading, ReceivedCrash } from "./read-crash.ts";
import { TextSign } from "./text-sign.ts";

/** What the query says beside the key; Crashpad adds product, version and guid. */
const NO_ANNOTATIONS = /^(?:key|api_key|sentry_\w+)$/;

/** sentry-native, src/backends/sentry_backend_crashpad.cpp. */
const SENTRY_EVENT = "__sentry-event";

/** Throws a Problem when the request holds no minidump; then nothing of it is left behind. */
export async function readMinidump(
  raw: IncomingMessage,
  query: Readonly<Record<string, unknown>>,
  { blobs, keepEnvironment }: CrashReading,
): Promise<ReceivedCrash> {
  const type = parseParameters(raw.headers["content-type"] ?? "");
  const reader = new Reader(
    new Attachments(blobs, keepEnvironment),
    new Annotations(keepEnvironment),
    keepEnvironment,
  );
  try {
    if (type.value.startsWith("multipart/")) {
      await reader.readParts(readMultipart(bodyOf(raw, crashLimit), type.parameters));
    } else await reader.readBare(bodyOf(raw, attachmentLimit));
    return await reader.finish(query);
  } catch (error) {
    await reader.attachments.discard();
    throw error;
  }
}

class Reader {
  readonly attachments: Attachments;
  readonly #annotations: Annotations;
  readonly #keepEnvironment: boolean;
  #metadata: Buffer | null = null;

  constructor(attachments: Attachments, annotations: Annotations, keepEnvironment: boolean) {
    this.attachments = attachments;
    this.#annotations = annotations;
    this.#keepEnvironment = keepEnvironment;
  }

  /** The dump alone, packed or not. */
  async readBare(sent: AsyncIterable<Buffer>): Promise<void> {
    const { body } = await lookForDump("minidump", sent);
    const contentType = "application/x-dmp";
    await this.attachments.add({ name: "minidump", kind: "minidump", contentType, body });
  }

  async readParts(parts: AsyncIterable<Part>): Promise<void> {
    for await (const part of fewParts(parts)) await this.#read(part);
  }

  async #read(part: Part): Promise<void> {
    if (part.name === "metadata") {
      this.#metadata = await readField(part.body);
      return;
    }
    const { isDump, body } = await lookForDump(part.name, part.body);
    if (isDump) await this.#addFile(part, "minidump", body);
    else if (part.filename === null) await this.#readText(part, body);
    else if (!this.#keepEnvironment && isPrivatePart(part)) return;
    else if (part.name === SENTRY_EVENT) await this.#readEvent(part, body);
    else await this.#addFile(part, "other", body);
  }

  /** sentry-native's event, kept as it is too. One that is too large, or no event, is a file like others. */
  async #readEvent(part: Part, body: AsyncIterable<Buffer>): Promise<void> {
    const { head, body: whole } = await peek(body, MAX_METADATA_BYTES);
    try {
      this.#annotations.addObject(readMessagePack(head));
    } catch (error) {
      if (!(error instanceof MessagePackError)) throw error;
    }
    await this.#addFile(part, "other", whole);
  }

  /** One place is kept for the crash's own dump, which may come last. */
  async #addFile(
    { name, filename, contentType }: Part,
    kind: "minidump" | "other",
    body: AsyncIterable<Buffer>,
  ): Promise<void> {
    const isMain = isMainDump(name);
    const kept = isMain || this.attachments.hasNamedDump ? 0 : 1;
    if (this.attachments.room <= kept) {
      this.#annotations.leftOut += 1;
      return;
    }
    await this.attachments.add({
      name: filename ?? name,
      kind,
      contentType: contentType ?? "application/octet-stream",
      body,
      isNamed: isMain || name === "faulthandler",
    });
  }

  /** A field: faulthandler's text, JSON of annotations (Mozilla's `extra`), or one annotation. */
  async #readText(part: Part, body: AsyncIterable<Buffer>): Promise<void> {
    const text = await readShort(body);
    if (text === null) this.#annotations.leftOut += 1;
    else if (part.name === "faulthandler" || isFaulthandlerText(text)) {
      await this.#addFile({ ...part, contentType: "text/plain" }, "other", only(text));
    } else if (part.contentType?.startsWith("application/json") === true) {
      this.#annotations.addJson(text.toString("utf8"));
    } else this.#annotations.add(part.name, text.toString("utf8"));
  }

  async finish(query: Readonly<Record<string, unknown>>): Promise<ReceivedCrash> {
    let crashId: string | null = null;
    for (const [name, value] of Object.entries(query)) {
      const [text] = Array.isArray(value) ? (value as unknown[]) : [value];
      if (typeof text !== "string" || NO_ANNOTATIONS.test(name)) continue;
      if (name === "id") crashId = canonicalUuid(text);
      if (name !== "id" || crashId === null) this.#annotations.add(name, text);
    }
    const { said, rest } = this.#annotations.finish();
    const { id, metadata } = readMetadata(
      this.#metadata,
      { ...said, id: crashId },
      this.#keepEnvironment,
    );
    const tags = Object.entries({ ...rest.tags, ...metadata.tags }).slice(0, MAX_TAGS);
    return {
      id,
      metadata: { ...metadata, ...rest, tags: Object.fromEntries(tags) },
      attachments: await this.attachments.finish(),
    };
  }
}

function isFaulthandlerText(text: Buffer): boolean {
  const sign = new TextSign();
  sign.look(text);
  return sign.seen;
}

async function* only(text: Buffer): AsyncGenerator<Buffer> {
  yield text;
}
