/** One line that says what happened, for lists and mails. Enters no key. */
import type { Decision } from "./decision.ts";
import type { Kind } from "./kind.ts";
import { MAX_TITLE_CHARS } from "./limits.ts";
import { statement } from "./message.ts";
import type { PythonSlot } from "./slots.ts";

/** Kinds whose own words are worth showing. */
const spoken = new Set([
  "assert",
  "fatal-python-error",
  "rust-panic",
  "terminate",
  "heap-corruption",
]);

export function titleOf(
  message: string | null,
  decision: Decision,
  slots: readonly PythonSlot[],
): string {
  const { kind } = decision;
  const title =
    kind.base === "hang"
      ? titleOfHang(kind, decision, slots)
      : titleOfDeath(kind, message, decision);
  const line = title.replaceAll(/\s+/g, " ");
  return line.length > MAX_TITLE_CHARS ? `${line.slice(0, MAX_TITLE_CHARS - 1)}…` : line;
}

/** `Hang: media.thumbs:make_thumb waiting in socket.readinto`. */
function titleOfHang(kind: Kind, decision: Decision, slots: readonly PythonSlot[]): string {
  if (decision.culprit === null) return kind.words;
  const [innermost] = slots;
  if (innermost === undefined || innermost.frame.label === decision.culprit) {
    return `${kind.words}: ${decision.culprit}`;
  }
  const verb = innermost.frame.role === "wait" ? "waiting in" : "in";
  const { location, name } = innermost.frame;
  return `${kind.words}: ${decision.culprit} ${verb} ${location.module}.${name}`;
}

/** `Segfault in media.thumbs:make_thumb`, `Fatal Python error: deallocating None in …`. */
function titleOfDeath(kind: Kind, message: string | null, decision: Decision): string {
  const told = message !== null && spoken.has(kind.refined) ? `: ${statement(message)}` : "";
  const what = decision.mode === "overflow" ? "Stack overflow" : `${kind.words}${told}`;
  if (decision.culprit === null) {
    return decision.mode === "victim" ? `${what} during garbage collection` : what;
  }
  const { mode, culprit, caller } = decision;
  const called = mode === "native" && caller !== null ? ` (called from ${caller})` : "";
  return `${what} in ${mode === "native" ? spaced(culprit) : culprit}${called}`;
}

/** `cv2: ns::Mat<T>::resize`: the object stands apart from a name that is full of colons. */
const spaced = (culprit: string): string => culprit.replace(":", ": ");
