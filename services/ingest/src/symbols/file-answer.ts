/** What became of one file of an upload. */
export interface FileAnswer {
  /** The way to it: archives joined by "!/". */
  readonly name: string;
  /** As a source path; null for what is no Python file. */
  readonly path: string | null;
  readonly status: "accepted" | "duplicate" | "refused";
  /** "pyc 3.12", "source", "elf x86_64, debug info"; null when refused. */
  readonly as: string | null;
  readonly reason: string | null;
  /** Hex; null when refused. */
  readonly sha256: string | null;
  /** Of a native file; null where it has none. */
  readonly buildId: string | null;
  readonly debugId: string | null;
}
