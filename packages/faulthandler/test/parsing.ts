/** Shared by the tests: texts in, facts out. */
import type { SynthDump, SynthFrame, SynthThread } from "@faultline/testkit";
import { expect } from "vitest";
import { type Dump, parseFaulthandler, type ParsedText, type TextFrame } from "../src/index.ts";

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const parse = (text: string): ParsedText => parseFaulthandler(bytesOf(text));

/** The one dump of a text. */
export function parseOne(text: string): Dump {
  const { dumps } = parse(text);
  expect(dumps).toHaveLength(1);
  return dumps[0]!;
}

export const frame = (file: string, line: number, name: string): SynthFrame => ({
  file,
  line,
  name,
});

/** A thread with plain frames: a worker's, or the main thread's. */
export function thread(ident: bigint, more: Partial<SynthThread> = {}): SynthThread {
  return {
    ident,
    frames: [
      frame("/srv/app/jobs.py", Number(ident % 1000n) + 1, "step"),
      frame("/srv/app/main.py", 9, "<module>"),
    ],
    ...more,
  };
}

export const signalDump = (more: Partial<SynthDump> = {}): SynthDump => ({
  python: 12,
  header: { kind: "signal", words: "Segmentation fault" },
  threads: [thread(0x7f01n), thread(0x7f02n, { current: true })],
  ...more,
});

export const placeOf = ({ file, line, name }: TextFrame): SynthFrame => ({ file, line, name });

/** File, line and name of every frame of every dump, in order. */
export const framesOf = (dumps: readonly Dump[]): SynthFrame[] =>
  dumps.flatMap(({ threads }) => threads.flatMap(({ frames }) => frames.map(placeOf)));

export const codesOf = ({
  gaps,
}: {
  readonly gaps: readonly { readonly code: string }[];
}): string[] => gaps.map(({ code }) => code);
