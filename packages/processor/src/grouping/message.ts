/**
 * Messages made fit for a key: what changes from run to run is blanked, what names the bug stays.
 */
import { MAX_MESSAGE_TOKEN_CHARS } from "./limits.ts";
import { functionKey } from "./native-name.ts";
import { fileName } from "./native-object.ts";
import { assertionForms } from "./rules/assertion-forms.ts";

/** A failed assertion: the one message that names its bug whatever else was captured. */
export interface Assertion {
  readonly expression: string;
  /** The function that asserted, else its file without folder and extension; null: not said. */
  readonly place: string | null;
}

/** Order matters: a path holds names and numbers, a quoted text may hold anything. */
const blanks: readonly (readonly [RegExp, string])[] = [
  [/[`'"‘][^`'"’\n]{0,200}['"’]/g, "<text>"],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "<uuid>"],
  [/(?<![\w/])(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+){2,}[\\/]?/g, "<path>"],
  [/\b(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{8,})\b/gi, "<n>"],
  [/(?<![\w])[-+]?\d+(?:\.\d+)*(?![\w])/g, "<n>"],
];

/** The assertion that `message` tells of, in any of the forms listed; null for other messages. */
export function assertionOf(message: string): Assertion | null {
  for (const { pattern } of assertionForms) {
    const groups = pattern.exec(message)?.groups;
    if (groups === undefined) continue;
    const expression = withoutValues(groups["expression"] ?? "");
    if (expression !== "") return { expression, place: placeOf(groups) };
  }
  return null;
}

/** `x != 0` is code; addresses, longer numbers and what was compared with what are values. */
const withoutValues = (expression: string): string =>
  clip(
    expression
      .replace(/\s*\([^()]{1,80} vs\.? [^()]{0,80}\)\s*$/, "")
      .replaceAll(/\b0x[0-9a-f]{3,}\b|(?<![\w.])\d{2,}(?![\w.])/gi, "<n>")
      .replace(/^\((.*)\)$/, "$1"),
  );

function placeOf(groups: Readonly<Record<string, string | undefined>>): string | null {
  const name = lastComponent(functionKey(groups["function"] ?? ""));
  if (name !== null) return name;
  const file = groups["file"];
  if (file === undefined) return null;
  return fileName(file).replace(/\.\w{1,4}$/, "");
}

/** Debuggers and `__func__` know `f`, `__PRETTY_FUNCTION__` `void ns::A<int>::f(int)`. */
const lastComponent = (key: string | null): string | null =>
  key === null ? null : (/(?:^|::)([^:]+)$/.exec(key)?.[1]?.replace(/<T>$/, "") ?? key);

/** The part of a message that tells one bug from another; empty when nothing does. */
export function messageToken(message: string): string {
  const assertion = assertionOf(message);
  if (assertion !== null) return clip(`assert ${assertion.expression}`);
  let text = statement(message);
  for (const [pattern, blank] of blanks) text = text.replaceAll(pattern, blank);
  return clip(text);
}

/**
 * The message without `Fatal Python error: ` and without the C function before it: CPython 3.8
 * and older, and callers that do not go through the macro, print the same message without one.
 */
export function statement(message: string): string {
  const text = message.trim().replace(/^Fatal Python error:\s*/, "");
  return (/^[A-Za-z_]\w*: (.+)$/s.exec(text)?.[1] ?? text).split("\n", 1)[0]!.trim();
}

/**
 * `json.decoder.JSONDecodeError` → `JSONDecodeError`, from what is said to be the name, else from
 * a message of the form `NAME: words`. Null where none is named.
 */
export function exceptionName(reason: string | null, message: string | null): string | null {
  const dotted =
    /^\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)/.exec(reason ?? "")?.[1] ??
    /^\s*((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::|\s*$)/.exec(message ?? "")?.[1];
  return dotted === undefined ? null : dotted.slice(dotted.lastIndexOf(".") + 1);
}

const clip = (text: string): string =>
  text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_MESSAGE_TOKEN_CHARS);
