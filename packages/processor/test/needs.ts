import type { Need } from "../src/index.ts";

/** Of a request for Python files, the only kind that a text leads to. */
export function basenamesOf(need: Need): readonly string[] {
  if (need.need !== "python-files") throw new Error(`unexpected request for ${need.need}`);
  return need.basenames;
}
