/** The files of one crash on their way in: every one whole, or nothing kept at all. */
import {
  MAX_ATTACHMENT_BYTES,
  MAX_ATTACHMENTS,
  MAX_CRASH_BYTES,
  MAX_NAME_CHARS,
  MAX_TEXT_BYTES,
  type Attachment,
  type BlobStore,
} from "@faultline/shared";
import { Problem, tooLarge } from "../problem.ts";
import { AttachmentWriter, type StoredAttachment } from "./attachment-writer.ts";
import { storable } from "./storable.ts";

export const attachmentLimit = { name: "MAX_ATTACHMENT_BYTES", bytes: MAX_ATTACHMENT_BYTES };
export const crashLimit = { name: "MAX_CRASH_BYTES", bytes: MAX_CRASH_BYTES };
const textLimit = { name: "MAX_TEXT_BYTES", bytes: MAX_TEXT_BYTES };

export interface SentFile {
  /** As the client named it. */
  readonly name: string;
  readonly kind: Attachment["kind"];
  readonly contentType: string;
  readonly body: AsyncIterable<Buffer>;
  /** Of a minidump: that it is called the crash's own. Of another file: that it is called faulthandler's text. */
  readonly isNamed?: boolean;
}

/** Exactly one of `finish` and `discard` must be called. */
export class Attachments {
  readonly #blobs: BlobStore;
  readonly #keepEnvironment: boolean;
  readonly #writers: AttachmentWriter[] = [];
  readonly #named = new Set<AttachmentWriter>();

  constructor(blobs: BlobStore, keepEnvironment: boolean) {
    this.#blobs = blobs;
    this.#keepEnvironment = keepEnvironment;
  }

  /** Files that may still be added. */
  get room(): number {
    return MAX_ATTACHMENTS - this.#writers.length;
  }

  get hasNamedDump(): boolean {
    return this.#writers.some((writer) => writer.kind === "minidump" && this.#named.has(writer));
  }

  has(kind: Attachment["kind"]): boolean {
    return this.#writers.some((writer) => writer.kind === kind);
  }

  /** Throws a Problem naming the limit when it is too much. */
  async add(file: SentFile): Promise<void> {
    if (this.room === 0) throw tooLarge("attachments", "MAX_ATTACHMENTS", MAX_ATTACHMENTS);
    const { kind, contentType } = file;
    const limit = kind === "faulthandler" ? textLimit : attachmentLimit;
    const name = this.#uniqueName(safeName(file.name));
    const writer = new AttachmentWriter(this.#blobs, { name, kind, contentType }, limit);
    this.#writers.push(writer);
    if (file.isNamed === true) this.#named.add(writer);
    let left = this.#writers.reduce((free, { size }) => free - size, MAX_CRASH_BYTES);
    for await (const chunk of file.body) {
      left -= chunk.length;
      if (left < 0) throw tooLarge("attachments together", crashLimit.name, crashLimit.bytes);
      await writer.write(chunk);
    }
  }

  /** Throws a Problem when there is no dump, or one that cannot be read; then `discard` is still to be called. */
  async finish(): Promise<readonly StoredAttachment[]> {
    this.#findText();
    this.#requireDump();
    const dumps = this.#writers.filter(({ kind }) => kind === "minidump");
    const first = this.#namedFirst(dumps);
    for (const dump of dumps) await this.#check(dump, dump === first);
    const rest = this.#writers.filter((writer) => writer !== first);
    const ordered = first === undefined ? rest : [first, ...rest];
    return await Promise.all(ordered.map((writer) => writer.finish()));
  }

  #namedFirst(writers: readonly AttachmentWriter[]): AttachmentWriter | undefined {
    return writers.find((writer) => this.#named.has(writer)) ?? writers[0];
  }

  /** A further file that begins as a dump does, and is none, is a file like others. */
  async #check(dump: AttachmentWriter, isFirst: boolean): Promise<void> {
    try {
      await dump.checkDump(this.#keepEnvironment);
    } catch (error) {
      if (isFirst || !(error instanceof Problem)) throw error;
      dump.kind = "other";
    }
  }

  async discard(): Promise<void> {
    await Promise.allSettled(this.#writers.map((writer) => writer.discard()));
  }

  /** Beside a minidump, the file that is called faulthandler's text, else the first that reads like it; an empty text is none. */
  #findText(): void {
    if (!this.has("minidump")) return;
    for (const writer of this.#writers) {
      if (writer.kind === "faulthandler" && writer.size === 0) writer.kind = "other";
    }
    if (this.has("faulthandler")) return;
    const texts = this.#writers.filter(
      (writer) =>
        writer.kind === "other" &&
        (writer.isFaulthandlerText || this.#named.has(writer)) &&
        writer.size > 0 &&
        writer.size <= MAX_TEXT_BYTES,
    );
    const text = this.#namedFirst(texts);
    if (text !== undefined) text.kind = "faulthandler";
  }

  #requireDump(): void {
    const dumps = this.#writers.filter((writer) => writer.kind !== "other");
    if (dumps.length === 0) {
      const names = this.#writers.map(({ name }) => JSON.stringify(name)).join(", ") || "nothing";
      throw new Problem(
        "no-dump",
        `parts of the body: wanted one named faulthandler or minidump, found ${names}`,
      );
    }
    const empty = dumps.find((dump) => dump.size === 0);
    if (empty !== undefined) throw emptyDump(empty.name);
  }

  #uniqueName(name: string): string {
    const taken = new Set(this.#writers.map((writer) => writer.name));
    for (let count = 2, unique = name; ; count++) {
      if (!taken.has(unique)) return unique;
      unique = `${name.slice(0, MAX_NAME_CHARS - 3)}-${count}`;
    }
  }
}

export const emptyDump = (name: string): Problem =>
  new Problem("empty-dump", `${JSON.stringify(name)} has 0 bytes`);

/** The last part of a path, without what a terminal or a file system would stumble over. */
function safeName(sent: string): string {
  const last = sent.split(/[/\\]/).findLast((piece) => piece !== "") ?? "";
  const clean = storable(last)
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, "")
    .slice(0, MAX_NAME_CHARS)
    .toWellFormed();
  return /^\.*$/.test(clean) ? "attachment" : clean;
}
