/** A whole line as one word of the grammar. */
import { cStackCut, cStackTitle, cStackUnavailable, readCFrame } from "./c-stack.ts";
import type { CStackFrame, TextFrame } from "./dump.ts";
import { type ExtensionModules, readExtensionModules } from "./extension-modules.ts";
import { readFrame, type TornPath } from "./frame-line.ts";
import {
  fatalStart,
  type Header,
  readHeader,
  readRuntimeState,
  signumStart,
  timeoutStart,
  windowsStart,
} from "./header.ts";
import { MAX_STARTS_PER_LINE } from "./limits.ts";
import {
  currentThreadStart,
  readThreadLine,
  stackLine,
  stackLine33,
  type ThreadLine,
  threadStart,
} from "./thread-line.ts";

export type Token =
  | { readonly kind: "blank" }
  /** `path`: what is left of a torn one. */
  | { readonly kind: "frame"; readonly frame: TextFrame; readonly path?: TornPath | null }
  | { readonly kind: "thread"; readonly thread: ThreadLine }
  | { readonly kind: "header"; readonly header: Header }
  | { readonly kind: "runtimeState"; readonly state: string }
  | { readonly kind: "collecting" }
  | { readonly kind: "framesCut" }
  /** Why CPython printed no (more) frames. `indented`: 3.8 and 3.9 do not indent the words. */
  | { readonly kind: "stop"; readonly words: string; readonly indented: boolean }
  | { readonly kind: "threadsCut" }
  | { readonly kind: "freedThread" }
  | { readonly kind: "gilDisabled" }
  | { readonly kind: "cTitle" }
  | { readonly kind: "cFrame"; readonly frame: CStackFrame }
  | { readonly kind: "cCut" }
  | { readonly kind: "cUnavailable"; readonly words: string }
  | { readonly kind: "extensionModules"; readonly modules: ExtensionModules };

const blank: Token = { kind: "blank" };

/** Lines that always read the same. */
const fixed: ReadonlyMap<string, Token> = new Map<string, Token>([
  ["  Garbage-collecting", { kind: "collecting" }],
  ["  ...", { kind: "framesCut" }],
  ["...", { kind: "threadsCut" }],
  ["<freed thread state>", { kind: "freedThread" }],
  ["<Cannot show all threads while the GIL is disabled>", { kind: "gilDisabled" }],
  ["<no Python frame>", { kind: "stop", words: "no Python frame", indented: false }],
  ...[
    "no Python frame",
    "tstate is freed",
    "freed thread state",
    "freed frame",
    "invalid frame",
  ].map((words): [string, Token] => [`  <${words}>`, { kind: "stop", words, indented: true }]),
  [cStackTitle, { kind: "cTitle" }],
  [cStackCut, { kind: "cCut" }],
  ...[...cStackUnavailable].map(([line, words]): [string, Token] => [
    line,
    { kind: "cUnavailable", words },
  ]),
]);
const longestFixed = Math.max(...[...fixed.keys()].map((line) => line.length));

/** `whole`: false for a line that ends where the text does. Null: not a line of the grammar. */
export function readToken(text: string, whole = true): Token | null {
  if (text === "") return blank;
  const frame = readFrame(text);
  if (frame !== null) return { kind: "frame", frame };
  const same = text.length <= longestFixed ? fixed.get(text) : undefined;
  return same ?? readOther(text, whole);
}

function readOther(text: string, whole: boolean): Token | null {
  switch (text.charAt(0)) {
    case " ": {
      const frame = readCFrame(text);
      return frame === null ? null : { kind: "cFrame", frame };
    }
    case "E": {
      const modules = readExtensionModules(text);
      return modules === null ? null : { kind: "extensionModules", modules };
    }
    case "P": {
      const state = readRuntimeState(text);
      return state === null ? null : { kind: "runtimeState", state };
    }
    case "C":
    case "S":
    case "T":
    case "F":
    case "W":
      return readStart(text, whole);
    default:
      return null;
  }
}

/** A line that may begin a dump. */
function readStart(text: string, whole: boolean): Token | null {
  const thread = readThreadLine(text);
  if (thread !== null) return { kind: "thread", thread };
  if (text === cStackTitle) return { kind: "cTitle" };
  const header = readHeader(text, whole);
  return header === null ? null : { kind: "header", header };
}

const startLiterals = [
  fatalStart,
  signumStart,
  windowsStart,
  timeoutStart,
  currentThreadStart,
  threadStart,
  stackLine,
  stackLine33,
  cStackTitle,
];

/**
 * The first place where the rest of the line begins a dump or a thread, -1 when there is none: what
 * was written before need not have ended with a newline.
 */
export function findStart(text: string, whole = true): number {
  if (readStart(text, whole) !== null) return 0;
  let first = -1;
  for (const literal of startLiterals) {
    let at = text.indexOf(literal);
    for (let tries = 0; at >= 0 && tries < MAX_STARTS_PER_LINE; tries++) {
      if (first >= 0 && at >= first) break;
      if (readStart(text.slice(at), whole) !== null) {
        first = at;
        break;
      }
      at = text.indexOf(literal, at + 1);
    }
  }
  return first;
}

/** Beginnings of the lines inside a dump that are not indented. */
const innerLiterals = [
  currentThreadStart,
  threadStart,
  cStackTitle,
  "Extension modules: ",
  "Python runtime state: ",
  "<",
  "...",
];

/** Whether a line that was cut can be one of a dump. */
export const beginsToken = (text: string): boolean =>
  /^ (?: |$)/.test(text) ||
  innerLiterals.some((literal) => literal.startsWith(text) || text.startsWith(literal));
