/** A received crash → a row that is on durable storage: its id, its key, its attachments laid out. */
import { createHash, hash } from "node:crypto";
import {
  canonicalUuid,
  CLIENT_ID_MAX_AGE_MS,
  CLIENT_ID_MAX_AHEAD_MS,
  crashIdTime,
  newCrashId,
  type Accepted,
  type Attachment,
  type CrashKey,
  type NewCrash,
} from "@faultline/shared";
import type { StoredAttachment } from "./crash/attachment-writer.ts";
import type { ReceivedCrash } from "./crash/read-crash.ts";

/** Puts a crash on durable storage, whatever it takes; rejects with CannotStoreError only. */
export interface CrashSink {
  put(crash: NewCrash): Promise<Accepted>;
}

/** Resolves once the crash is durable; `now` in milliseconds since the epoch. */
export async function acceptCrash(
  projectId: number,
  received: ReceivedCrash,
  now: number,
  store: CrashSink,
): Promise<Accepted> {
  const { attachments, content } = layOut(received.attachments);
  return await store.put({
    ...identify(received, now),
    projectId,
    receivedAt: now,
    metadata: received.metadata,
    attachments,
    content,
  });
}

/** A client's UUIDv7 of about now is the crash's id; any other id is a name for it; without one the content is. */
function identify(received: ReceivedCrash, now: number): { id: string; key: CrashKey | null } {
  if (received.id === null) {
    return { id: newCrashId(now), key: reportKey(received) ?? contentKey(received) };
  }
  const time = crashIdTime(received.id);
  if (time !== null && time >= now - CLIENT_ID_MAX_AGE_MS && time <= now + CLIENT_ID_MAX_AHEAD_MS) {
    return { id: received.id, key: null };
  }
  return { id: newCrashId(now), key: clientKey(received.id) };
}

export const clientKey = (id: string): CrashKey => ({
  kind: "client",
  key: hash("sha256", `client:${id}`, "buffer"),
});

/**
 * Crash handlers name a minidump after their report: a UUID, the same at every attempt to send it (Crashpad's
 * `guid` is none: it stands for the installation). The content goes into the key, lest a name that some client
 * gives to every dump make them all one. Null when the dump has no such name.
 */
function reportKey({ attachments }: ReceivedCrash): CrashKey | null {
  const dump = attachments.find(({ kind }) => kind === "minidump");
  if (dump === undefined) return null;
  const report = canonicalUuid(dump.name.replace(/\.\w+$/, ""));
  if (report === null) return null;
  return { kind: "client", key: hash("sha256", `report:${report}:${dump.sha256}`, "buffer") };
}

/**
 * Over the host and every attachment's name and hash; the terminators keep neighbours apart. Of a crash with a
 * minidump that alone counts: no two are the same, while a log beside it grows between two attempts.
 */
function contentKey({ metadata, attachments }: ReceivedCrash): CrashKey {
  const dump = attachments.find(({ kind }) => kind === "minidump");
  const digest = createHash("sha256").update(`host:${metadata.host ?? ""}\0`);
  for (const { name, sha256 } of dump === undefined ? attachments : [dump])
    digest.update(`${name}\0${sha256}\0`);
  return { kind: "content", key: digest.digest() };
}

/** The small attachments' bytes go into the row, one behind the other. */
function layOut(stored: readonly StoredAttachment[]): {
  attachments: readonly Attachment[];
  content: Buffer | null;
} {
  let at = 0;
  const attachments = stored.map(({ bytes, ...rest }) => {
    const start = bytes === null ? null : at;
    at += bytes?.length ?? 0;
    return { ...rest, at: start };
  });
  const inline = stored.flatMap(({ bytes }) => bytes ?? []);
  const content =
    inline.length === 0
      ? null
      : inline.length === 1
        ? (inline[0] as Buffer)
        : Buffer.concat(inline);
  return { attachments, content };
}
