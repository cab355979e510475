/** What the symbolicator says to its builder process, and the process to its thread. */
import type { NativeLinks } from "@faultline/shared";
import type { SymbolPaths } from "@faultline/symbols";

export type BuilderTask =
  | {
      readonly kind: "examine";
      /** Of a native symbol file. */
      readonly path: string;
    }
  | {
      readonly kind: "build";
      readonly paths: SymbolPaths;
      /** Where the cache goes. */
      readonly out: string;
    };

export type BuilderAnswer =
  /** The thread runs: what happens from now on may be the files' own fault. */
  | { readonly kind: "begun" }
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | { readonly kind: "examined"; readonly links: NativeLinks }
  | {
      readonly kind: "built";
      readonly buildId: string | null;
      readonly machine: string;
      readonly gaps: readonly string[];
      readonly version: number;
    }
  /** By the files' own fault: trying again would end the same way. */
  | { readonly kind: "refused"; readonly message: string }
  /** By nobody's: a disk, a file that is gone. */
  | { readonly kind: "failed"; readonly message: string };

/** An answer as the process passes it on. */
export interface BuilderReport {
  readonly answer: BuilderAnswer;
  /** Bytes of memory that the process holds. */
  readonly rss: number;
}

/** Exit codes of the process. */
export const BuilderExit = {
  /** More memory than it was allowed. */
  memory: 70,
} as const;
