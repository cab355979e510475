import { OCCURRED_MAX_AGE_MS, OCCURRED_MAX_AHEAD_MS } from "./limits.ts";

/** RFC 3339, section 5.6: date-time. A leap second is not taken. */
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** When the crash happened: what the host says, unless its clock is plainly wrong; else when it was received. */
export function occurredAt(time: string | null, receivedAt: Date): Date {
  const said = time === null ? null : parse(time);
  if (said === null) return receivedAt;
  const age = receivedAt.getTime() - said;
  return age > OCCURRED_MAX_AGE_MS || age < -OCCURRED_MAX_AHEAD_MS ? receivedAt : new Date(said);
}

/** Milliseconds since the epoch, null when `text` is not RFC 3339. */
function parse(text: string): number | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null; // 30 February
  return Date.parse(text.replace(" ", "T").toUpperCase());
}
