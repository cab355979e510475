/**
 * Where the corpus of real inputs lies: beside the project, read in place. A user's clone has none;
 * tests that need it skip and say so.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../shared/corpus", import.meta.url));

/** Absolute path of the corpus, null where it is absent. */
export const corpus: string | null = existsSync(beside) ? beside : null;

/** Reason to print with every test that is skipped because `corpus` is null. */
export const corpusSkipReason = "the corpus of real inputs is not beside this clone";
