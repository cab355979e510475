/** What a report would be better with, had somebody uploaded it: what late symbols are matched against. */
export interface Lacks {
  /** Null when no Python frame would be better with a file of the crash's release. */
  readonly python: LackedFiles | null;
  /** Native modules that have frames, by what their symbols are found by. */
  readonly modules: readonly LackedModule[];
}

/**
 * Files, as frames name them, without which functions of the blamed stack stay unknown. Both lists are empty when
 * only other stacks or source lines would gain.
 */
export interface LackedFiles {
  /** Of the application. */
  readonly own: readonly string[];
  /** Of installed packages. */
  readonly installed: readonly string[];
}

export interface LackedModule {
  readonly name: string;
  /** Lower-case hex. */
  readonly buildId: string | null;
  /** Breakpad's form. */
  readonly debugId: string | null;
}
