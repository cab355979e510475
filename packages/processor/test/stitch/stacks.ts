/** Stacks that are made up, as short texts. */
import type { NativeFrame, PythonFrame, Thread } from "@faultline/shared";
import type { Activation } from "../../src/native/frames.ts";
import type { PythonSide } from "../../src/stitch/python-side.ts";

const aNativeFrame = (text: string, inline: boolean): NativeFrame => {
  const [name = "", module = "libpython3.12.so.1.0"] = text.split("@");
  return {
    language: "native",
    pc: null,
    module,
    offset: null,
    function: name === "?" ? null : name,
    linkageName: null,
    file: null,
    line: null,
    column: null,
    inline,
    foundBy: inline ? "inline" : "cfi",
    role: null,
  };
};

export const LOOP = "_PyEval_EvalFrameDefault";

/**
 * Activations, innermost first: "strlen@libc inlined+outer eval main". The stack pointer of the
 * first is 0x1000, of each further one 0x100 more.
 */
export const activationsOf = (text: string): readonly Activation[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word, index) => {
      const names = word.split("+").map((name) => (name === "eval" ? LOOP : name));
      return {
        sp: 0x1000n + BigInt(0x100 * index),
        pc: BigInt(index),
        frames: names.map((name, at) => aNativeFrame(name, at < names.length - 1)),
      };
    });

/** "render:12" or "<frozen importlib._bootstrap>|_find_and_load". */
export function pythonFrame(text: string): PythonFrame {
  const [place = "", own] = text.includes("|") ? text.split("|") : ["/srv/app/app.py", text];
  const [name = "", line = "1"] = (own ?? "").split(":");
  return {
    language: "python",
    module: null,
    function: name,
    qualname: null,
    file: place,
    line: Number(line),
    endLine: null,
    column: null,
    endColumn: null,
    definitionLine: null,
    arguments: null,
    inApp: null,
    foundBy: "faulthandler",
    role: null,
    source: null,
  };
}

const aThread: Thread = {
  id: null,
  ident: null,
  name: null,
  crashed: false,
  stitch: "none",
  garbageCollecting: false,
  stack: [],
  truncated: false,
  gaps: [],
};

export function sideOf(frames: string, more: Partial<PythonSide> = {}): PythonSide {
  const list = frames.split(/\s+/).filter((word) => word !== "");
  return {
    thread: aThread,
    frames: list.map((text) => pythonFrame(text.replaceAll("~", " "))),
    runs: null,
    nativeId: null,
    collecting: false,
    minor: 12,
    waysInto: () => [],
    ...more,
  };
}

export const cutThread: Thread = { ...aThread, truncated: true };
