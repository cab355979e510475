/** Crashes of a small program, joined: for tests of what finds what. */
import { attachAll, groupCrash, type GroupInput } from "../../src/grouping/index.ts";
import { app, crash, type FrameFields, native } from "./stacks.ts";

export const python = "libpython3.12.so.1.0";
/** How the interpreter calls an extension. */
export const call = [native(python, "cfunction_call"), native(python, "_PyEval_EvalFrameDefault")];
export const make = app("media/thumbs.py", "make_thumb");
export const store = app("media/upload.py", "store");
export const charge = app("billing/invoice.py", "charge");

export const times = <T>(count: number, value: T): T[] =>
  Array.from({ length: count }, () => value);

/** The key that each is filed under, and the one of its own. */
export function run(inputs: readonly GroupInput[]) {
  const seen = inputs.map((input) => ({ ...groupCrash(input), times: 1 }));
  return { groups: attachAll(seen), mids: seen.map(({ sighting }) => sighting.mid) };
}

export const groupsOf = (...stacks: readonly (readonly FrameFields[])[]) =>
  run(stacks.map((stack) => crash(stack))).groups;
export const count = (groups: readonly string[]) => new Set(groups).size;
