/** What crashes lacked, as rows; and what their keys stand for, written down once a day. */
import {
  crashLack,
  noteLacks,
  type CrashLack,
  type Outcome,
  type PendingCrash,
  type Pool,
} from "@faultline/shared";
import { createCache } from "./cache.ts";
import { LACK_NOTED_MS, LACK_NOTES_BYTES } from "./limits.ts";
import type { FoundLacks } from "./thread-messages.ts";

/** A crash that names no release has no files that could be uploaded for it. */
export function crashLacks(
  { projectId, release, metadata }: Pick<PendingCrash, "projectId" | "release" | "metadata">,
  { python, modules }: FoundLacks,
): readonly CrashLack[] {
  const lacks = modules.map(({ built, ...module }) =>
    crashLack({ kind: "native", projectId, ...module }, built, null),
  );
  if (python !== null && metadata.release !== null) {
    const symbols = { kind: "python", projectId, release: metadata.release } as const;
    lacks.push(crashLack(symbols, release?.symbolsVersion ?? -1, python));
  }
  // one module mapped twice, or two of one id
  return [...new Map(lacks.map((lack) => [lack.row.key, lack])).values()];
}

/** Writes down what the keys of these outcomes' lacks stand for, unless it did today. */
export function openLackNotes(pool: Pool): (outcomes: readonly Outcome[]) => Promise<void> {
  const noted = createCache<number>(LACK_NOTES_BYTES);
  return async (outcomes) => {
    const before = Date.now() - LACK_NOTED_MS;
    const fresh = new Map<string, CrashLack>();
    for (const { lacks } of outcomes) {
      for (const lack of lacks) {
        const { key, files } = lack.row;
        const name = `${key}/${files}`;
        if ((noted.get(name) ?? 0) < before) fresh.set(name, lack);
      }
    }
    if (fresh.size === 0) return;
    await noteLacks(pool, [...fresh.values()]);
    for (const name of fresh.keys()) noted.set(name, Date.now(), name.length);
  };
}
