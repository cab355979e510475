/** Why a crash is in its group: every frame's part in the key, as a table. */
import type { FrameGrouping, Grouping } from "@faultline/shared";
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
  yield row("frame", "role", "used in", "token and reason");
  for (const frame of grouping.frames.slice(0, MAX_TEXT_FRAMES)) yield* frameRow(frame);
  const left = grouping.frames.length - MAX_TEXT_FRAMES;
  if (left > 0) yield `  ... ${left} more frames`;
}

const row = (index: string, role: string, used: string, rest: string): string =>
  `${index.padStart(5)}  ${fitStart(role, 10).padEnd(10)}  ${fitStart(used, 21).padEnd(21)}  ${rest}`;

function* frameRow(frame: FrameGrouping): Generator<string> {
  const lead = row(`#${frame.index}`, frame.role, frame.usedIn.join(",") || "-", "");
  const width = TEXT_COLUMNS - lead.length;
  if (frame.token === null) {
    yield* wrapped(lead, frame.reason);
    return;
  }
  yield lead + fitStart(frame.token, width);
  yield* wrapped(" ".repeat(lead.length), frame.reason);
}
