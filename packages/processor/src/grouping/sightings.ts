/** What joining knows of a crash. */
import type { Evidence } from "./evidence.ts";

/**
 * Of what a sighting looks like as JSON: to be raised with every change of it. Those of two versions
 * are not joined with each other.
 */
export const SIGHTING_VERSION = 2;

/** One crash: its keys and what it shares with others. Plain data: what became JSON and back is as good. */
export interface Sighting {
  readonly coarse: string;
  readonly mid: string;
  readonly evidence: Evidence;
  /** A person's rule chose the key: nothing moves the crash. */
  readonly pinned: boolean;
}

/** A sighting, and how many crashes had it. */
export interface SeenSighting {
  readonly sighting: Sighting;
  readonly times: number;
}
