/** What identifies a frame to a reader. */
import type { Frame } from "../report.ts";

/** A frame's place in its stack: the number that grouping and people call it by. */
export interface Numbered {
  readonly frame: Frame;
  readonly index: number;
}

/** What makes two frames the same call for the reader. Inlined calls share their address. */
export const frameKey = (frame: Frame): string =>
  frame.language === "python"
    ? `${frame.file}\n${frame.line}\n${frame.function}`
    : `${frame.module}\n${frame.offset}\n${frame.pc}\n${frame.function}\n${frame.line}`;
