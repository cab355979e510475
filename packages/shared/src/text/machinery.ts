/** Frames that are there whatever the program does, folded to one line. */
import type { Frame } from "../report.ts";
import { frameKey, type Numbered } from "./frame-key.ts";
import { counted } from "./words.ts";

/** One frame, or several that are shown as words. */
export interface Item {
  /** Items of one key are the same to the reader. */
  readonly key: string;
  readonly frames: readonly Numbered[];
  /** Null: the frame is shown. */
  readonly words: string | null;
}

/** Who frames of a role belong to. */
const owners: Readonly<Record<string, string>> = {
  trampoline: "crash handler",
  start: "start-up",
};

const ownerOf = ({ role }: Frame): string | null =>
  role === null ? null : (owners[role] ?? "interpreter");

/** Every run of frames that have a role becomes one item. */
export function foldMachinery(frames: readonly Numbered[]): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < frames.length;) {
    let end = at;
    while (end < frames.length && frames[end]!.frame.role !== null) end++;
    const { frame } = frames[at]!;
    items.push(
      end === at
        ? { key: frameKey(frame), frames: [frames[at]!], words: null }
        : folded(frames.slice(at, end)),
    );
    at = Math.max(end, at + 1);
  }
  return items;
}

function folded(frames: readonly Numbered[]): Item {
  const whose = [...new Set(frames.map(({ frame }) => ownerOf(frame)))].join(" and ");
  return {
    key: `${frames.length} of ${whose}`,
    frames,
    words: counted(frames.length, `${whose} frame`),
  };
}
