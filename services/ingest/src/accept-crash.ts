/** A received crash → a row that is on durable storage: its id, its key, its attachments laid out. */
import { createHash, hash } from "node:crypto";
import {
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
    return { id: newCrashId(now), key: { kind: "content", key: contentKey(received) } };
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

/** Over the host and every attachment's name and hash; the terminators keep neighbours apart. */
function contentKey({ metadata, attachments }: ReceivedCrash): Buffer {
  const digest = createHash("sha256").update(`host:${metadata.host ?? ""}\0`);
  for (const { name, sha256 } of attachments) digest.update(`${name}\0${sha256}\0`);
  return digest.digest();
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
