/** `faultline group`: which group each report on stdin belongs to, and why. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { attachAll, groupCrash, type SeenSighting } from "@faultline/processor";
import { HeldTexts } from "../held-texts.ts";
import { linesOf } from "../json-lines.ts";

const usage = `usage: faultline group < REPORTS

Reads reports as JSON, one a line, and prints the group of each as JSON, one a line, in the same order,
once all are read: crashes of one bug find each other, whichever came first. A report may hold nothing but its kind and one thread:

  {"kind":"signal","reason":"SIGSEGV","threads":[{"stack":[{"language":"python",
   "module":"media.thumbs","function":"make_thumb","file":"/srv/media/thumbs.py"}]}]}

(on one line; innermost frame first). \`crashingThread\` is an index into \`threads\`, the first when missing.

  coarse, mid, fine   keys, each a part of the next: kind and one function, the bug, the whole path
  group               the key that the crash is filed under: mid, or the key of crashes that share
                      with it what those of one bug do
  link                key of the Python functions alone; null without Python frames
  mode, confidence    which rule formed the keys, and how far to trust it
  frames              one for every frame of the thread: its role, its token, the keys that
                      the token went into, and the reason

A line that is not a JSON object is told on stderr with its number; the others are still answered.
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", short: "h" } } });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const answers = new HeldTexts();
  const sightings: SeenSighting[] = [];
  let refused = 0;
  for await (const line of linesOf(process.stdin)) {
    if (line.text === "") continue;
    const report = line.text === null ? new Error(line.problem) : reportIn(line.text);
    if (report instanceof Error) {
      refused++;
      process.stderr.write(`faultline group: line ${line.number}: ${report.message}\n`);
      continue;
    }
    const { grouping, sighting } = groupCrash(report);
    answers.add(JSON.stringify(grouping));
    sightings.push({ sighting, times: 1 });
  }
  await print(answers, sightings);
  return refused > 0 ? 1 : 0;
}

async function print(answers: HeldTexts, sightings: readonly SeenSighting[]): Promise<void> {
  const groups = attachAll(sightings);
  let index = 0;
  for (const answer of answers) {
    const own = `"group":"${sightings[index]?.sighting.mid}"`;
    const line = `${answer.replace(own, `"group":"${groups[index]}"`)}\n`;
    if (!process.stdout.write(line)) await once(process.stdout, "drain");
    index++;
  }
}

function reportIn(text: string): object | Error {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch (error) {
    return new Error(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof report !== "object" || report === null || Array.isArray(report)) {
    return new Error(`wanted a report (a JSON object), found ${nameOf(report)}`);
  }
  return report;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
