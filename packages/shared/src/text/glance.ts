/** What a person asks first: which function died, called from where in their code, through what. */
import type { Frame, NativeFrame, PythonFrame, Report } from "../report.ts";
import { objectWords, placeWords, pythonName } from "./frames.ts";
import { labelled } from "./plain.ts";

/** Names of calls that are shown from each end of a long way. */
const MAX_NAMES_OF_END = 5;

/** Nothing where the blamed thread has no native frames: its innermost line says it all. */
export function* glanceLines(report: Report): Generator<string> {
  const thread = report.threads[report.crashingThread ?? -1];
  const stack = (thread?.stack ?? []).filter(({ role }) => role === null);
  const native = thread === undefined ? null : innermostNative(thread.stack);
  if (thread === undefined || native === null) return;
  const python = stack.filter((frame) => frame.language === "python");
  const caller = python.find(({ inApp }) => inApp === true) ?? python[0];
  yield* labelled(thread.crashed ? "died in" : "stands in", functionWords(native));
  if (caller === undefined) return;
  yield* labelled("called from", `${pythonName(caller)}, ${placeWords(caller)}`);
  if (thread.stitch !== "none") yield* labelled("through", wayWords(stack, native, caller));
}

/** What Python called; where it called nothing, what runs it. */
function innermostNative(stack: readonly Frame[]): NativeFrame | null {
  const own = stack.find(({ role }) => role === null);
  if (own?.language === "native") return own;
  const any = stack.find(({ language, role }) => language === "native" && role !== "trampoline");
  return any?.language === "native" ? any : null;
}

/** "__strlen_evex of libc.so.6, strlen-evex.S:79". */
function functionWords(frame: NativeFrame): string {
  const { function: name, file, line, pc } = frame;
  const object = objectWords(frame);
  const words = name === null ? `${object}, at ${pc ?? "???"}` : `${name} of ${object}`;
  return file === null ? words : `${words}, ${file}${line === null ? "" : `:${line}`}`;
}

/** "ctypes.string_at > ffi_call": from the caller to the death; null where it is one step. */
function wayWords(stack: readonly Frame[], died: NativeFrame, caller: PythonFrame): string | null {
  const between = stack.slice(stack.indexOf(died) + 1, stack.indexOf(caller)).toReversed();
  const names = between
    .map(nameOf)
    .filter((name, index, all) => name !== null && name !== all[index - 1]);
  if (names.length === 0) return null;
  if (names.length <= 2 * MAX_NAMES_OF_END) return names.join(" > ");
  const left = names.length - 2 * MAX_NAMES_OF_END;
  return [
    ...names.slice(0, MAX_NAMES_OF_END),
    `... ${left} more ...`,
    ...names.slice(-MAX_NAMES_OF_END),
  ].join(" > ");
}

const nameOf = (frame: Frame): string | null =>
  frame.language === "python" ? pythonName(frame) : frame.function;
