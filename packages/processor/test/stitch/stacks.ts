/** Stacks that are made up, as short texts. */
import type { NativeFrame, PythonFrame, Thread } from "@faultline/shared";
import type { Activation } from "../../src/native/frames.ts";
import type { PythonSide } from "../../src/stitch/python-side.ts";
import { aNativeFrame, aPythonFrame, aReportThread } from "../builders.ts";

const nativeFrame = (text: string, inline: boolean): NativeFrame => {
  const [name = "", module = "libpython3.12.so.1.0"] = text.split("@");
  return aNativeFrame({
    module,
    function: name === "?" ? null : name,
    inline,
    foundBy: inline ? "inline" : "cfi",
  });
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
        frames: names.map((name, at) => nativeFrame(name, at < names.length - 1)),
      };
    });

/** "render:12" or "<frozen importlib._bootstrap>|_find_and_load". */
export function pythonFrame(text: string): PythonFrame {
  const [place = "", own] = text.includes("|") ? text.split("|") : ["/srv/app/app.py", text];
  const [name = "", line = "1"] = (own ?? "").split(":");
  return aPythonFrame({ function: name, file: place, line: Number(line) });
}

const aThread: Thread = aReportThread([]);

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
