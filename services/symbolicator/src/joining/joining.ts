/**
 * Joining: soon after crashes came that share something new with others, groups that are one bug are shown as one. One
 * process does it at a time, whoever gets the advisory lock, for at most its share of a thread's time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SIGHTING_VERSION } from "@faultline/processor";
import {
  attachGroups,
  dropOldSightings,
  listNewSightings,
  loadSightings,
  LockSpace,
  noteSightings,
  withTryLock,
  type Fleet,
  type Logger,
  type Pool,
} from "@faultline/shared";
import type { Engine } from "../engine.ts";
import {
  ATTACH_BATCH,
  JOIN_LOOK_MS,
  JOIN_REST,
  MAX_SIGHTING_CHARS,
  MAX_SIGHTINGS,
} from "../limits.ts";
import type { Metrics } from "../metrics.ts";

export interface Joining {
  /** Stops after the project under way. */
  close(): Promise<void>;
}

export interface JoiningTools {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Looks now and then whether something new was seen, and joins what it was seen of. */
export function openJoining(tools: JoiningTools, lookMs = JOIN_LOOK_MS): Joining {
  const { pool, log } = tools;
  const closing = new AbortController();
  const { signal } = closing;
  async function go(): Promise<void> {
    while (!signal.aborted) {
      const begun = performance.now();
      let worked = false;
      try {
        const fleets = await listNewSightings(pool, SIGHTING_VERSION);
        worked = fleets.length > 0;
        if (worked)
          await withTryLock(pool, LockSpace.joining, "", () => joinAll(fleets, tools, signal));
      } catch (error) {
        log.warn({ err: error }, "joining stopped, it goes on in a moment");
      }
      const rest = worked ? (performance.now() - begun) * JOIN_REST : 0;
      await sleep(Math.max(lookMs, rest), undefined, { signal }).catch(() => undefined);
    }
  }
  const going = go();
  return {
    async close() {
      closing.abort();
      await going;
    },
  };
}

/** A project that cannot be joined keeps none of the others from it. */
async function joinAll(
  fleets: readonly Fleet[],
  tools: JoiningTools,
  signal: AbortSignal,
): Promise<void> {
  const { metrics, log } = tools;
  for (const fleet of fleets) {
    if (signal.aborted) return;
    const begun = performance.now();
    try {
      const { sightings, moved } = await joinFleet(fleet, tools);
      const seconds = (performance.now() - begun) / 1000;
      metrics.joinSeconds.observe(seconds);
      metrics.attached.inc(moved);
      log[moved === 0 ? "debug" : "info"]({ ...fleet, sightings, moved, seconds }, "joined");
    } catch (error) {
      log.warn({ err: error, ...fleet }, "crashes could not be joined, it is tried again");
    }
  }
}

/** What was seen meanwhile stays new: it is noted last, and only what was read. */
async function joinFleet(
  fleet: Fleet,
  { pool, engine }: JoiningTools,
): Promise<{ sightings: number; moved: number }> {
  await dropOldSightings(pool, fleet.projectId, MAX_SIGHTINGS, MAX_SIGHTING_CHARS);
  const sightings = await loadSightings(pool, fleet);
  const answers = await engine.join(sightings.filter(({ count }) => count > 0));
  const moved = await attachGroups(pool, fleet, answers, ATTACH_BATCH);
  await noteSightings(pool, fleet.projectId, sightings);
  return { sightings: sightings.length, moved };
}
