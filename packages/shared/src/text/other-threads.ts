/** Threads beside the blamed one, those with the same stack folded into one. */
import type { Frame, Thread } from "../report.ts";
import { MAX_TEXT_FRAMES_OF_OTHER_THREAD, MAX_TEXT_THREAD_GROUPS } from "../limits.ts";
import { counted, listed } from "./words.ts";
import { frameKey } from "./frame-key.ts";
import { shortFrame } from "./frames.ts";
import { wrapped } from "./plain.ts";

/** Lines for all threads but the one at `blamed`. */
export function* otherThreadLines(
  threads: readonly Thread[],
  blamed: number | null,
): Generator<string> {
  const others = threads.filter((_, index) => index !== blamed);
  if (others.length === 0) return;
  yield "";
  yield blamed === null ? `Threads (${others.length})` : `Other threads (${others.length})`;
  const groups = [...alike(others).values()].toSorted(byInterest);
  for (const group of groups.slice(0, MAX_TEXT_THREAD_GROUPS)) yield* groupLines(group);
  const left = groups.length - MAX_TEXT_THREAD_GROUPS;
  if (left > 0) yield `  ... ${left} more different stacks (the report has them all)`;
}

function alike(threads: readonly Thread[]): ReadonlyMap<string, readonly Thread[]> {
  const groups = new Map<string, Thread[]>();
  for (const thread of threads) {
    const key = thread.stack.map(frameKey).join("\n");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [thread]);
    else group.push(thread);
  }
  return groups;
}

/** Threads in the application's code first; then those that are rare. */
const byInterest = (left: readonly Thread[], right: readonly Thread[]): number =>
  Number(hasOwnCode(right)) - Number(hasOwnCode(left)) || left.length - right.length;

const hasOwnCode = (group: readonly Thread[]): boolean =>
  group[0]?.stack.some((frame) => isOwn(frame)) === true;

const isOwn = (frame: Frame): boolean => frame.language === "python" && frame.inApp === true;

function* groupLines(group: readonly Thread[]): Generator<string> {
  const [first] = group;
  if (first === undefined) return;
  yield* wrapped(
    "  ",
    group.length === 1 ? threadName(first) : `${group.length} alike: ${names(group)}`,
  );
  yield* shortStack(first.stack);
}

/** `"worker" x 8, 0x7f3f1c94f6c0`: names shared by many are said once. */
function names(group: readonly Thread[]): string {
  const counts = new Map<string, number>();
  for (const thread of group) {
    const name = thread.name === null ? threadName(thread) : `"${thread.name}"`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return listed([...counts].map(([name, count]) => (count === 1 ? name : `${name} x ${count}`)));
}

/** The innermost frames of either language, and the application's own however deep they are. */
function* shortStack(stack: readonly Frame[]): Generator<string> {
  if (stack.length === 0) yield "      (no frames)";
  const left = { native: INNERMOST_NATIVE, python: MAX_TEXT_FRAMES_OF_OTHER_THREAD / 2 };
  let shown = 0;
  let hidden = 0;
  for (const frame of stack) {
    const wanted = frame.role === null && (left[frame.language]-- > 0 || isOwn(frame));
    if (!wanted || shown >= MAX_TEXT_FRAMES_OF_OTHER_THREAD) {
      hidden++;
      continue;
    }
    if (hidden > 0) yield `        ... ${counted(hidden, "frame")}`;
    hidden = 0;
    shown++;
    yield `      ${shortFrame(frame)}`;
  }
  if (hidden > 0) yield `        ... ${counted(hidden, "older frame")}`;
}

/** What a thread waits in is told by few of them. */
const INNERMOST_NATIVE = 2;

/** Name and identifiers of a thread: `"worker-3" (0x7f3f1c94f6c0)`. */
export function threadName(thread: Thread): string {
  const id = thread.ident ?? thread.id;
  const ids = id === null ? "" : thread.name === null ? id : ` (${id})`;
  const named = thread.name === null ? ids : `"${thread.name}"${ids}`;
  return named === "" ? "(not known to Python)" : named;
}
