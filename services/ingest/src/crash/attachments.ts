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
}

/** Exactly one of `finish` and `discard` must be called. */
export class Attachments {
  readonly #blobs: BlobStore;
  readonly #keepEnvironment: boolean;
  readonly #writers: AttachmentWriter[] = [];
  /** The crash's own minidump, among several the one that is named so. */
  #main: AttachmentWriter | null = null;

  constructor(blobs: BlobStore, keepEnvironment: boolean) {
    this.#blobs = blobs;
    this.#keepEnvironment = keepEnvironment;
  }

  get isFull(): boolean {
    return this.#writers.length >= MAX_ATTACHMENTS;
  }

  has(kind: Attachment["kind"]): boolean {
    return this.#writers.some((writer) => writer.kind === kind);
  }

  /** `isMain`: of a minidump, that it is the crash's own. Throws a Problem naming the limit when it is too much. */
  async add(file: SentFile, isMain = false): Promise<void> {
    if (this.isFull) throw tooLarge("attachments", "MAX_ATTACHMENTS", MAX_ATTACHMENTS);
    const { kind, contentType } = file;
    const limit = kind === "faulthandler" ? textLimit : attachmentLimit;
    const name = this.#uniqueName(safeName(file.name));
    const writer = new AttachmentWriter(this.#blobs, { name, kind, contentType }, limit);
    this.#writers.push(writer);
    if (isMain && kind === "minidump") this.#main ??= writer;
    let room = this.#writers.reduce((left, { size }) => left - size, MAX_CRASH_BYTES);
    for await (const chunk of file.body) {
      room -= chunk.length;
      if (room < 0) throw tooLarge("attachments together", crashLimit.name, crashLimit.bytes);
      await writer.write(chunk);
    }
  }

  /** Throws a Problem when there is no dump, or one that cannot be read; then `discard` is still to be called. */
  async finish(): Promise<readonly StoredAttachment[]> {
    this.#findText();
    this.#requireDump();
    const dumps = this.#writers.filter(({ kind }) => kind === "minidump");
    const first = this.#main ?? dumps[0] ?? null;
    for (const dump of dumps) await this.#check(dump, dump === first);
    const rest = this.#writers.filter((writer) => writer !== first);
    const ordered = first === null ? rest : [first, ...rest];
    return await Promise.all(ordered.map((writer) => writer.finish()));
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

  /** Beside a minidump, the first file that reads like faulthandler's is its text, whatever it is called. */
  #findText(): void {
    if (!this.has("minidump") || this.has("faulthandler")) return;
    const text = this.#writers.find(
      ({ kind, isFaulthandlerText, size }) =>
        kind === "other" && isFaulthandlerText && size <= MAX_TEXT_BYTES,
    );
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
