/**
 * Keys: `sha256(algorithm ␟ level ␟ parent ␟ token ␟ …)`, the first 128 bits in hex. A level's
 * parent key is part of it, so two crashes with one `fine` have one `mid` and one `coarse`.
 */
import { hash } from "node:crypto";

const UNIT_SEPARATOR = "\u001f";
const KEY_CHARS = 32;

export type Level = "coarse" | "mid" | "fine" | "link";

export function keyOf(
  algorithm: string,
  level: Level,
  parent: string,
  tokens: readonly string[],
): string {
  const parts = [algorithm, level, parent, ...tokens.map(plain)];
  return hash("sha256", parts.join(UNIT_SEPARATOR), "hex").slice(0, KEY_CHARS);
}

/** A name from a crash may hold the separator; two lists of tokens must not meet by it. */
const plain = (token: string): string =>
  token.includes(UNIT_SEPARATOR) ? token.replaceAll(UNIT_SEPARATOR, "\u241f") : token;
