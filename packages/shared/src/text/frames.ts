/** Frames of a stack as lines for people. */
import type { Frame, NativeFrame, PythonFrame, SourceContext } from "../report.ts";
import { MAX_TEXT_FRAMES, TEXT_COLUMNS } from "../limits.ts";
import { fitEnd, fitPath, fitStart, plain, shownLine } from "./plain.ts";
import type { Numbered } from "./frame-key.ts";
import { foldMachinery, type Item } from "./machinery.ts";
import { cycleAt } from "./recursion.ts";

/** A stack, innermost first: machinery is folded, then what repeats. */
export function* stackLines(frames: readonly Numbered[]): Generator<string> {
  const items = foldMachinery(frames);
  const keys = items.map(({ key }) => key);
  let shown = 0;
  for (let at = 0; at < items.length;) {
    if (shown >= MAX_TEXT_FRAMES) {
      yield `      ... ${countOf(items.slice(at))} more frames (the report has them all)`;
      return;
    }
    const cycle = cycleAt(keys, at);
    const block = items.slice(at, at + (cycle?.period ?? 1));
    for (const item of block) yield* itemLines(item);
    if (cycle !== null) yield `      ... ${blockWords(countOf(block))} ${cycle.times} times`;
    at += block.length * (cycle?.times ?? 1);
    shown += block.length;
  }
}

const countOf = (items: readonly Item[]): number =>
  items.reduce((sum, { frames }) => sum + frames.length, 0);

const blockWords = (frames: number): string =>
  frames === 1 ? "the frame above repeats" : `the ${frames} frames above repeat`;

function* itemLines({ frames, words }: Item): Generator<string> {
  if (words !== null) yield `      ... ${words}`;
  else for (const numbered of frames) yield* frameLines(numbered);
}

/** One frame: its function, its place, its source line with the failing expression underlined. */
export function* frameLines({ frame, index }: Numbered): Generator<string> {
  const mark = frame.language === "python" && frame.inApp === true ? ">" : " ";
  const lead = `${mark} ${`#${index}`.padStart(4)}  `;
  if (frame.language === "native") {
    yield lead + nativeWords(frame, TEXT_COLUMNS - lead.length);
    return;
  }
  yield lead + fitStart(pythonWords(frame), TEXT_COLUMNS - lead.length);
  const indent = " ".repeat(lead.length);
  yield indent + fitEnd(placeWords(frame), TEXT_COLUMNS - indent.length);
  if (frame.source !== null) yield* sourceLines(frame, frame.source, indent);
}

/** "app.jobs.Worker.run(self, job)". */
function pythonWords(frame: PythonFrame): string {
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

/** "gsignal  libc.so.6  raise.c:26"; "gsignal  libc.so.6 +0x4b582" without debug information. */
function nativeWords(frame: NativeFrame, width: number): string {
  const { function: name, file, line } = frame;
  const marks = `${frame.inline ? "  [inlined]" : ""}${frame.foundBy === "scan" ? "  [scan]" : ""}`;
  const address = frame.offset === null ? (frame.pc ?? "???") : `+${frame.offset}`;
  const object = objectWords(frame);
  if (name === null) return fitStart(`${object} ${address}${marks}`, width);
  if (file === null) return fitStart(`${name}  ${object} ${address}${marks}`, width);
  const lead = plain(`${name}  ${object}  `);
  const place = line === null ? file : `${file}:${line}`;
  const room = Math.max(width - lead.length - marks.length, MIN_PLACE_COLUMNS);
  return fitStart(lead + fitPath(place, room) + marks, width);
}

/** The module without what its name says of the platform: "_ctypes.so". */
export const objectWords = ({ module }: NativeFrame): string =>
  module === null
    ? "<no file>"
    : module.replace(/\.(?:cpython-|cp)\d+\w*-[\w-]+(?=\.(?:so|pyd)$)/, "");

/** Columns that a place has however long the function's name is. */
const MIN_PLACE_COLUMNS = 16;

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
  if (frame.language === "native") return `  ${nativeWords(frame, TEXT_COLUMNS - 8)}`;
  const place = placeWords(frame);
  const name = pythonName(frame);
  const room = TEXT_COLUMNS - 8 - Math.min(plain(place).length, 52) - 2;
  return `${mark} ${fitStart(name, room)}  ${fitEnd(place, 52)}`;
}
