/** How a capture of both lays Python frames into native ones, as its image's merger does. */
import { EVAL_LOOP } from "./expansion.ts";
import type { Fleet } from "./fleet.ts";
import type { NativeFrame } from "./native-frame.ts";
import type { Process } from "./paths.ts";
import { symbolsOf } from "./symbols.ts";
import type { Walked } from "./walk.ts";

export function merged(
  fleet: Fleet,
  process: Process,
  frames: readonly Walked[],
): readonly Walked[] {
  if (symbolsOf(fleet, "py", process) === "none") return inOneBlock(fleet, frames);
  return process.image.collapsed ? withoutInterpreter(frames) : frames;
}

const isPython = (each: Walked): boolean => "python" in each;
const reallyOf = (each: Walked): NativeFrame | null => ("python" in each ? null : each.really);

/** No eval loops to anchor at: all Python frames stand behind the extension's. */
function inOneBlock({ objectsByKey }: Fleet, frames: readonly Walked[]): readonly Walked[] {
  const pythons = frames.filter(isPython);
  const natives = frames.filter((each) => !isPython(each));
  const really = natives.map(reallyOf);
  const first = really.findIndex(
    (frame) => frame?.object === "py" && frame.name !== "faulthandler_fatal_error",
  );
  const lastExtension = really.findLastIndex(
    (frame) => frame !== null && objectsByKey.has(frame.object),
  );
  const behind = really.findIndex(
    (frame, index) =>
      first >= 0 && index >= first && (index > lastExtension || frame?.name === EVAL_LOOP),
  );
  const at = behind < 0 ? natives.length : behind;
  return [...natives.slice(0, at), ...pythons, ...natives.slice(at)];
}

/** Between Python frames, only what is not the interpreter's is of interest. */
function withoutInterpreter(frames: readonly Walked[]): readonly Walked[] {
  const first = frames.findIndex(isPython);
  const last = frames.findLastIndex(isPython);
  return frames.filter(
    (each, index) => index < first || index > last || reallyOf(each)?.object !== "py",
  );
}
