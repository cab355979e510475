/** The files of crashes whose time is over, a day at a time: minidumps first, the rest with their crashes. */
import type { BlobStore, Config } from "@faultline/shared";

const DAY_MS = 86_400_000;

/**
 * Answers with what was dropped, as shelf/day. `now`: milliseconds since the epoch. A crash may be filed under the
 * day after its files', by a client's own id, so they stay a day longer than it.
 */
export async function dropCrashFiles(
  blobs: BlobStore,
  { retentionDays, rawRetentionDays }: Pick<Config, "retentionDays" | "rawRetentionDays">,
  now: number,
): Promise<readonly string[]> {
  const dumps = await blobs.dropDays("dumps", now - rawRetentionDays * DAY_MS);
  const files = await blobs.dropDays("files", now - (retentionDays + 1) * DAY_MS);
  return [...dumps.map((day) => `dumps/${day}`), ...files.map((day) => `files/${day}`)];
}
