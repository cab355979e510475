/** What really happened in a process, before anything is captured of it. */
import { odds, type BugClass, type Service } from "./probabilities.ts";
import type { Dice } from "../world/dice.ts";
import type { Moment } from "./images.ts";
import type { Convention, Way } from "./interpreter.ts";
import type { NativeFrame } from "./native-frame.ts";

/** A Python function, of which `SP/` is a package, `LIB/` the standard library, `BIN/` a script. */
export interface PythonCall {
  readonly file: string;
  readonly name: string;
  /** Which of its lines; missing: it follows from what is called there. */
  readonly site?: number;
}

export interface PythonSegment {
  readonly file: string;
  readonly name: string;
  readonly site: number;
  /** The C code through which it was called, if by any but a special method. */
  readonly way: Way | null;
  /** Whose line it is: a comprehension's is its function's. */
  readonly within: string;
}

/** Native frames, innermost first, and how Python code called the last of them. */
export interface NativeSegment {
  readonly frames: readonly NativeFrame[];
  readonly convention: Convention;
}

export type Segment = PythonSegment | NativeSegment;

export const isNative = (segment: Segment | undefined): segment is NativeSegment =>
  segment !== undefined && "frames" in segment;

export const isPython = (each: object): each is PythonSegment => "within" in each;

/** What is below the outermost Python frame; `none`: a thread that Python does not know. */
export type Base = "main" | "module" | "thread" | "greenlet" | "none";

export interface Stack {
  /** Outermost first. */
  readonly segments: readonly Segment[];
  readonly base: Base;
}

export interface Scene extends Stack {
  /** A signal, a Windows exception, or `hang`. */
  readonly kind: string;
  /** What the process said on stderr. */
  readonly message: string | null;
  /** Python ended the process and said why. */
  readonly fatal: boolean;
  readonly collecting: boolean;
}

export interface Bug {
  readonly services: readonly Service[];
  /** null: not in this process. */
  readonly happen: (roll: Dice, moment: Moment) => Scene | null;
}

/** A bug with its place in the fleet. */
export interface FleetBug extends Bug {
  readonly id: number;
  readonly bugClass: BugClass;
  readonly releases: readonly [number, number];
}

interface Words {
  readonly message?: string | null;
  readonly fatal?: boolean;
  readonly collecting?: boolean;
}

/** The end of `stack`'s process. */
export const died = (stack: Stack, kind: string, words: Words = {}): Scene => ({
  ...stack,
  kind,
  message: null,
  fatal: false,
  collecting: false,
  ...words,
});

const windowsKinds: Readonly<Record<string, string>> = {
  SIGSEGV: "EXCEPTION_ACCESS_VIOLATION",
  SIGBUS: "EXCEPTION_IN_PAGE_ERROR",
  SIGFPE: "EXCEPTION_INT_DIVIDE_BY_ZERO",
  SIGILL: "EXCEPTION_ILLEGAL_INSTRUCTION",
  SIGABRT: "STATUS_STACK_BUFFER_OVERRUN",
  "heap corruption": "STATUS_HEAP_CORRUPTION",
  "stack overflow": "EXCEPTION_STACK_OVERFLOW",
};
const posixKinds: Readonly<Record<string, string>> = {
  "heap corruption": "SIGABRT",
  "stack overflow": "SIGSEGV",
};

/** A death as its system reports it. */
export const kindOn = ({ system }: Moment, death: string): string =>
  (system === "win" ? windowsKinds : posixKinds)[death] ?? death;

/** The same stack with other innermost native frames. */
export function withInnermost(
  stack: Stack,
  change: (frames: readonly NativeFrame[]) => readonly NativeFrame[],
): Stack {
  const last = stack.segments.length - 1;
  return {
    ...stack,
    segments: stack.segments.map((segment, index) =>
      index === last && isNative(segment)
        ? { ...segment, frames: change(segment.frames) }
        : segment,
    ),
  };
}

/** A watchdog ends a hang: web and task servers sometimes kill by SIGABRT. */
export const hung = (roll: Dice, { service }: Moment, stack: Stack): Scene =>
  died(
    stack,
    (service === "web" || service === "celery") && roll.chance(odds.hangAborts)
      ? "SIGABRT"
      : "hang",
  );
