/**
 * Crash ids: UUIDv7 (RFC 9562, section 5.7). The first 48 bits are the time in milliseconds, so an id
 * tells its partition, and ids sort by time.
 */
import { createHash, randomFillSync } from "node:crypto";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The canonical lower-case form of any UUID (hyphens optional), null when `text` is none. */
export function canonicalUuid(text: string): string | null {
  const hex = text.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  return hyphenate(hex);
}

export const isUuid = (text: string): boolean => UUID.test(text);

const RANDOM_BYTES = 10;

/** Random bytes ahead: asking the system for ten at a time was a twentieth of the work of accepting a crash. */
const ahead = new Uint8Array(RANDOM_BYTES * 200);
let used = ahead.length;

/** A new id for a crash received at `now` (milliseconds since the epoch). */
export function newCrashId(now: number): string {
  if (used === ahead.length) {
    randomFillSync(ahead);
    used = 0;
  }
  return compose(now, ahead.subarray(used, (used += RANDOM_BYTES)));
}

/** The time an id carries, in milliseconds since the epoch; null unless it is a UUIDv7. */
export function crashIdTime(id: string): number | null {
  if (!UUID.test(id) || id[14] !== "7") return null;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Id of the `index`-th further crash of a text (1, 2, …): the same every time, beside its parent in time. */
export function childCrashId(parent: string, index: number): string {
  const time = crashIdTime(parent);
  if (time === null) throw new RangeError(`childCrashId: ${parent} is not a UUIDv7`);
  const digest = createHash("sha256").update(`${parent}/${index}`).digest();
  return compose(time, digest.subarray(0, 10));
}

/** The smallest id of a time: a bound between partitions. */
export function crashIdBound(time: number): string {
  return hyphenate(time.toString(16).padStart(12, "0") + "0".repeat(20));
}

function compose(time: number, random: Uint8Array): string {
  const tail = Buffer.from(random);
  tail[0] = ((tail[0] ?? 0) & 0x0f) | 0x70; // version 7
  tail[2] = ((tail[2] ?? 0) & 0x3f) | 0x80; // variant 10
  return hyphenate(time.toString(16).padStart(12, "0") + tail.toString("hex"));
}

function hyphenate(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
