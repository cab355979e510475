/**
 * `cg1`, the first algorithm.
 *
 * Three keys, each holding the one before: `coarse` (kind of death, one object or function), `mid`
 * (what groups are made of) and `fine` (the whole path). `link` holds the Python functions of the
 * program alone, which every capture with Python frames knows.
 *
 *   1. Clean: drop what a stack scan guessed, the frames of the crash handler, the call that ended
 *      the process (keeping what it says of the cause). Native frames count down to the first
 *      Python frame or eval loop; Python frames down to a finalizer.
 *   2. Every frame gets a role (rules/) and a token that is the same in every release, on every
 *      system, under every demangler: `object:function`, `module:function`.
 *   3. The first mode that fits makes the keys:
 *
 *   overflow  the functions that take part in an endless recursion, Python's or native
 *   victim    the damage was done earlier (heap, collector); the stack is where it showed
 *   native    an extension's or a library's function, whoever called it; its object alone where
 *             names are missing or where a build does not fit the processor
 *   python    the innermost functions of the program: also where a native mechanism (ctypes, cffi,
 *             numba, the standard library, the interpreter) did what it was told to
 *   runtime   no Python frame, and native ones of the interpreter and the system only
 *   skipped   nothing but plumbing and waits
 *   empty     no frame
 *
 *   4. `attach` (attach.ts) then joins captures that know different halves of one bug.
 *
 * Never in a key: lines, columns, addresses, offsets, build ids, absolute paths, arguments, template
 * arguments, thread names, the signal's number.
 */
import { aboveFinalizer, findAnchors } from "./anchors.ts";
import type { Decision, Subject } from "./decision.ts";
import { evidenceOf } from "./evidence.ts";
import type { Crash } from "./input.ts";
import { type Kind, withCause } from "./kind.ts";
import { ofNative } from "./mode-native.ts";
import { ofOverflow } from "./mode-overflow.ts";
import { ofPython } from "./mode-python.ts";
import { ofRest } from "./mode-rest.ts";
import { ofVictim } from "./mode-victim.ts";
import { nativeFacts } from "./native-stack.ts";
import type { Slots } from "./slots.ts";

export const CG1 = "cg1";

/** Chooses the tokens of `crash` and writes into `slots` what became of each frame. */
export function decide(crash: Crash, kind: Kind, slots: Slots): Decision {
  const subject = subjectOf(crash, kind, slots);
  const keys =
    ofOverflow(subject, slots) ??
    ofVictim(subject) ??
    ofNative(subject) ??
    ofPython(subject) ??
    ofRest(subject);
  return { ...keys, kind: subject.kind, caller: subject.anchors?.coarse.frame.label ?? null };
}

function subjectOf(crash: Crash, given: Kind, slots: Slots): Subject {
  const native = nativeFacts(slots, given);
  const kind = native.cause === null ? given : withCause(given, native.cause, crash.message);
  const python = aboveFinalizer(slots.python);
  const anchors = findAnchors(python, kind.base === "hang");
  const evidence = evidenceOf(kind, python, anchors, native);
  const belowFinalizer = python.length < slots.python.length;
  return { crash, kind, native, python, belowFinalizer, anchors, evidence };
}
