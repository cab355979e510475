/** Where the Python frames of a thread stand among its native ones. */

/** Frames in a row that one activation of the eval loop runs. */
export interface Run {
  readonly frames: number;
  /** Index of the native activation that runs them; null: not known. */
  readonly at: number | null;
}

export interface Placing {
  /** Innermost first; together they hold all Python frames. */
  readonly runs: readonly Run[];
  /** "none": the runs are not placed at all. */
  readonly certainty: "exact" | "approximate" | "none";
  /** Why not exact, as a sentence; null when it is. */
  readonly why: string | null;
}

export const exact = (runs: readonly Run[]): Placing => ({ runs, certainty: "exact", why: null });

export const approximate = (runs: readonly Run[], why: string): Placing => ({
  runs,
  certainty: "approximate",
  why,
});

export const unplaced = (frames: number, why: string): Placing => ({
  runs: [{ frames, at: null }],
  certainty: "none",
  why,
});
