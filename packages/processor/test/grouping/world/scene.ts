/** What happened in one process, before anything is captured of it. */
import type { Death } from "../stacks.ts";
import type { Dice } from "./dice.ts";
import type { Host } from "./hosts.ts";
import type { NativeCall } from "./native-code.ts";
import type { PyFunc } from "./python-code.ts";

/** Innermost first. A native layer below a Python one ends in the eval loop that runs it. */
export type Layer =
  | { readonly native: readonly NativeCall[] }
  | { readonly python: readonly PyFunc[] };

export interface Scene {
  /** `message` is what the process said on stderr, which not every capture has. */
  readonly death: Death;
  readonly layers: readonly Layer[];
  readonly thread: boolean;
  /** The handler raised the signal again: its frames stand above the crash. */
  readonly mayReraise: boolean;
  /** A green thread: what lies below its start is another stack. */
  readonly greenlet: boolean;
}

export interface Moment {
  readonly roll: Dice;
  readonly host: Host;
  readonly release: number;
}

export interface Bug {
  readonly id: string;
  readonly bugClass: string;
  readonly happen: (moment: Moment) => Scene;
}

export const native = (...calls: readonly (readonly NativeCall[])[]): Layer => ({
  native: calls.flat(),
});
export const python = (...funcs: readonly (readonly PyFunc[])[]): Layer => ({
  python: funcs.flat(),
});
