/** What the program and its crash handler noted in a dump: Crashpad's annotations, an assertion of the C runtime. */
import type { AssertionInfo, CrashpadInfo } from "@faultline/minidump";
import { MAX_ANNOTATION_CHARS, MAX_KEPT_ANNOTATIONS } from "../limits.ts";

/** By name, the process's own before those of modules; of a name that occurs twice the first value. */
export function annotationsOf(
  crashpad: CrashpadInfo | undefined,
  moduleNames: readonly string[],
): Record<string, string> {
  const kept = new Map<string, string>();
  for (const [name, value] of noted(crashpad, moduleNames)) {
    if (kept.size >= MAX_KEPT_ANNOTATIONS) break;
    const short = name.slice(0, MAX_ANNOTATION_CHARS);
    if (short !== "" && !kept.has(short)) kept.set(short, value.slice(0, MAX_ANNOTATION_CHARS));
  }
  return Object.fromEntries(kept);
}

function* noted(
  crashpad: CrashpadInfo | undefined,
  moduleNames: readonly string[],
): Generator<readonly [name: string, value: string]> {
  if (crashpad === undefined) return;
  yield* crashpad.annotations;
  for (const { moduleIndex, list, simple, objects } of crashpad.modules) {
    yield* simple;
    for (const { name, value } of objects) if (typeof value === "string") yield [name, value];
    const module = moduleNames[moduleIndex] ?? `module ${moduleIndex}`;
    for (const [index, message] of list.entries()) yield [`${module}[${index}]`, message];
  }
}

/** "x != NULL (f, app.c:12)"; null where the runtime was built without such text. */
export function assertionMessage(info: AssertionInfo | undefined): string | null {
  if (info === undefined || info.expression === "") return null;
  const place = [info.function, info.file === "" ? "" : `${info.file}:${info.line}`].filter(
    Boolean,
  );
  return place.length === 0 ? info.expression : `${info.expression} (${place.join(", ")})`;
}
