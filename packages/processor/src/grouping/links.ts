/**
 * Links: texts that crashes of one bug share. Each kind has its own beginning, so that they can lie
 * in one table. What a link was seen with is a key (`coarse mid`), another link's text, or nothing.
 */
export const links = {
  /** Python context → named native culprits (and `PYTHON` where native code did as told). */
  named: (context: string, saying?: string) => told("named", context, saying),
  /** Python context → keys of captures that name no native culprit. */
  open: (context: string, saying?: string) => told("open", context, saying),
  /** Python context, as a stack has it → how often. */
  context: (context: string) => `context:${context}`,
  /** Function of the program → functions that called it. */
  callers: (token: string) => `callers:${token}`,
  /** Context without the file of one function → contexts. */
  moved: (key: string) => `moved:${key}`,
  /** Native name → Python contexts. */
  native: (base: string, name: string) => `native:${base}:${name}`,
  /** Object → named native culprits of it. */
  object: (base: string, object: string) => `object:${base}:${object}`,
  /** Failed assertion → keys of captures that name a native culprit, or of those that do not. */
  assertion: (named: boolean, assertion: string) => `${named ? "assertion" : "words"}:${assertion}`,
  /** Function of the program → how often a death by chance had it on its stack. */
  chance: (chance: string, token: string) => `chance:${chance}:${token}`,
  /** Function of the program → keys of crashes that had it on their stack. */
  users: (token: string) => `users:${token}`,
  /** Named key → Python contexts that reach it. */
  contexts: (mid: string) => `contexts:${mid}`,
  /** Endless recursion without one function's file → keys. */
  cycle: (names: string) => `cycle:${names}`,
};

/** Seen in place of a key where the Python side names the bug although native frames are known. */
export const PYTHON = "python";

/** Of all crashes of a context, or of those that said the same (the empty text: nothing). */
const told = (kind: string, context: string, saying: string | undefined): string =>
  saying === undefined ? `${kind}:${context}` : `${kind} said:${context}:${saying}`;
