/** Why a crash is in its group: every frame's part in the key, as a table. */
import type { FrameGrouping, Grouping } from "../report.ts";
import { MAX_TEXT_FRAMES, TEXT_COLUMNS } from "../limits.ts";
import { fitStart, labelled, wrapped } from "./plain.ts";

/** Text of at most TEXT_COLUMNS a line, each ended by a line feed; printable ASCII only. */
export function renderGroupExplanation(grouping: Grouping): string {
  return `${[...explanationLines(grouping)].join("\n")}\n`;
}

function* explanationLines(grouping: Grouping): Generator<string> {
  yield* wrapped("", grouping.title);
  yield "";
  yield* labelled("group", grouping.group);
  yield* labelled(
    "by",
    `${grouping.ruleset}, mode ${grouping.mode}, confidence ${grouping.confidence}`,
  );
  yield* labelled("coarse", grouping.coarse);
  yield* labelled(
    "mid",
    grouping.group === grouping.mid ? `${grouping.mid} (its group)` : grouping.mid,
  );
  yield* labelled("fine", grouping.fine);
  yield* labelled("link", grouping.link);
  if (grouping.group !== grouping.mid) {
    yield* wrapped("", "Filed under another key than its own: attached by its link key.");
  }
  if (grouping.frames.length === 0) return;
  yield "";
  yield row("frames", "role", "used in", "token and reason");
  const runs = runsOf(grouping.frames);
  for (const run of runs.slice(0, MAX_TEXT_FRAMES)) yield* runRow(run);
  const left = runs.length - MAX_TEXT_FRAMES;
  if (left > 0) yield `  ... ${left} more rows`;
}

/** Neighbours that the algorithm treated alike. */
function runsOf(frames: readonly FrameGrouping[]): FrameGrouping[][] {
  const runs: FrameGrouping[][] = [];
  for (const frame of frames) {
    const run = runs.at(-1);
    if (run !== undefined && meaning(run[0]!) === meaning(frame)) run.push(frame);
    else runs.push([frame]);
  }
  return runs;
}

const meaning = ({ role, token, usedIn, reason }: FrameGrouping): string =>
  [role, token, usedIn.join(), reason].join("\n");

const row = (indexes: string, role: string, used: string, rest: string): string =>
  `${indexes.padStart(9)}  ${fitStart(role, 12).padEnd(12)}  ${fitStart(used, 21).padEnd(21)}  ${rest}`;

function* runRow(run: readonly FrameGrouping[]): Generator<string> {
  const frame = run[0]!;
  const indexes = run.length === 1 ? `#${frame.index}` : `#${frame.index}-${run.at(-1)!.index}`;
  const lead = row(indexes, frame.role, frame.usedIn.join(",") || "-", "");
  if (frame.token === null) {
    yield* wrapped(lead, frame.reason);
    return;
  }
  yield lead + fitStart(frame.token, TEXT_COLUMNS - lead.length);
  yield* wrapped(" ".repeat(lead.length), frame.reason);
}
