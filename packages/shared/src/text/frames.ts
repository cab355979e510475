/** Frames of a stack as lines for people. */
import type { Frame, NativeFrame, PythonFrame, SourceContext } from "../report.ts";
import { MAX_TEXT_FRAMES, TEXT_COLUMNS } from "../limits.ts";
import { fitEnd, fitStart, plain, shownLine } from "./plain.ts";
import { cycleAt } from "./recursion.ts";

/** A frame's place in its stack: the number that grouping and people call it by. */
interface Numbered {
  readonly frame: Frame;
  readonly index: number;
}

/** Shortest run of interpreter frames that is shown as one line. */
const MIN_RUN = 3;

/** A stack, innermost first: recursion and runs of interpreter frames folded. */
export function* stackLines(frames: readonly Numbered[]): Generator<string> {
  const keys = frames.map(({ frame }) => frameKey(frame));
  let shown = 0;
  for (let at = 0; at < frames.length;) {
    if (shown >= MAX_TEXT_FRAMES) {
      yield `      ... ${frames.length - at} more frames (the report has them all)`;
      return;
    }
    const run = machineryRun(frames, at);
    const cycle = run >= MIN_RUN ? null : cycleAt(keys, at);
    if (run >= MIN_RUN) {
      const whose = isHandler(frames[at]!.frame) ? "crash handler" : "interpreter";
      yield `      ... ${run} frames of the ${whose}`;
      at += run;
    } else if (cycle !== null) {
      for (const numbered of frames.slice(at, at + cycle.period)) yield* frameLines(numbered);
      yield `      ... ${blockWords(cycle.period)} repeat${cycle.period === 1 ? "s" : ""} ${cycle.times} times`;
      at += cycle.period * cycle.times;
    } else {
      yield* frameLines(frames[at]!);
      at++;
    }
    shown++;
  }
}

const blockWords = (period: number): string =>
  period === 1 ? "the frame above" : `the ${period} frames above`;

function machineryRun(frames: readonly Numbered[], start: number): number {
  const role = nativeRole(frames[start]!.frame);
  if (role === null) return 0;
  let end = start;
  while (end < frames.length && nativeRole(frames[end]!.frame) === role) end++;
  return end - start;
}

const nativeRole = (frame: Frame): string | null =>
  frame.language === "native" ? frame.role : null;

const isHandler = (frame: Frame): boolean => frame.role === "trampoline";

/** What makes two frames the same call for the reader. */
export const frameKey = (frame: Frame): string =>
  frame.language === "python"
    ? `${frame.file}\n${frame.line}\n${frame.function}`
    : `${frame.module}\n${frame.offset}\n${frame.pc}`;

/** One frame: its function, its place, its source line with the failing expression underlined. */
export function* frameLines({ frame, index }: Numbered): Generator<string> {
  const mark = frame.language === "python" && frame.inApp === true ? ">" : " ";
  const lead = `${mark} ${`#${index}`.padStart(4)}  `;
  if (frame.language === "native") {
    yield lead + fitStart(nativeWords(frame), TEXT_COLUMNS - lead.length);
    return;
  }
  yield lead + fitStart(pythonWords(frame), TEXT_COLUMNS - lead.length);
  if (frame.role === "helper") return;
  const indent = " ".repeat(lead.length);
  yield indent + fitEnd(placeWords(frame), TEXT_COLUMNS - indent.length);
  if (frame.source !== null) yield* sourceLines(frame, frame.source, indent);
}

/** "app.jobs.Worker.run(self, job)". */
function pythonWords(frame: PythonFrame): string {
  if (frame.role === "helper") return "(the interpreter's own frame for a class call)";
  const name = pythonName(frame);
  return frame.arguments === null ? name : `${name}(${frame.arguments.join(", ")})`;
}

/** Module and qualified name as far as they are known. */
export function pythonName(frame: PythonFrame): string {
  const name = frame.qualname ?? frame.function ?? "???";
  return frame.module === null ? name : `${frame.module}.${name}`;
}

/** "/srv/app/jobs.py:42:9": columns count from 1 here, as editors do. */
export function placeWords(frame: PythonFrame): string {
  const column = frame.column === null ? "" : `:${frame.column + 1}`;
  return `${frame.file ?? "???"}:${frame.line ?? "???"}${column}`;
}

/** "libc.so.6  gsignal  +0x4b582". */
function nativeWords(frame: NativeFrame): string {
  const place = frame.offset === null ? (frame.pc ?? "???") : `+${frame.offset}`;
  const name = frame.function === null ? "" : `${frame.function}  `;
  const role = frame.role === null ? "" : `  [${frame.role}]`;
  return `${frame.module ?? "<unknown>"}  ${name}${place}${role}`;
}

function* sourceLines(
  frame: PythonFrame,
  source: SourceContext,
  indent: string,
): Generator<string> {
  const line = frame.line ?? 0;
  const first = line - source.before.length;
  const texts = [...source.before, source.line, ...source.after];
  const digits = String(first + texts.length - 1).length;
  for (const [offset, text] of texts.entries()) {
    const isTheLine = first + offset === line;
    const gutter = `${indent}${isTheLine ? "->" : "  "} ${String(first + offset).padStart(digits)} | `;
    const width = TEXT_COLUMNS - gutter.length;
    const shown = shownLine(text);
    yield (gutter + fitStart(shown.text, width)).trimEnd();
    const carets = isTheLine ? caretsUnder(frame, shown, width) : null;
    if (carets !== null) yield `${" ".repeat(gutter.length - 2)}| ${carets}`;
  }
}

/** Carets below the expression; to the line's end when it goes on below. */
function caretsUnder(
  frame: PythonFrame,
  shown: ReturnType<typeof shownLine>,
  width: number,
): string | null {
  if (frame.column === null || frame.endColumn === null) return null;
  const goesOn = frame.endLine !== null && frame.endLine !== frame.line;
  const start = shown.columnOf(frame.column);
  const end = goesOn ? shown.text.length : shown.columnOf(frame.endColumn);
  if (start === null || end === null || end <= start || start >= width) return null;
  return " ".repeat(start) + "^".repeat(Math.min(end, width) - start);
}

/** One line for a frame of a bystander: name and place. */
export function shortFrame(frame: Frame): string {
  const mark = frame.language === "python" && frame.inApp === true ? ">" : " ";
  if (frame.language === "native") return `  ${fitStart(nativeWords(frame), TEXT_COLUMNS - 8)}`;
  const place = placeWords(frame);
  const name = pythonName(frame);
  const room = TEXT_COLUMNS - 8 - Math.min(plain(place).length, 52) - 2;
  return `${mark} ${fitStart(name, room)}  ${fitEnd(place, 52)}`;
}
