/** `faultline group`: which group each report on stdin belongs to, and why. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { groupReport } from "@faultline/processor";
import { linesOf } from "../json-lines.ts";

const usage = `usage: faultline group < REPORTS

Reads reports as JSON, one a line, and prints the group of each as JSON, one a line, in the same order.
A report may hold nothing but its kind and one thread:

  {"kind":"signal","reason":"SIGSEGV","threads":[{"stack":[{"language":"python",
   "module":"media.thumbs","function":"make_thumb","file":"/srv/media/thumbs.py"}]}]}

(on one line; innermost frame first). \`crashingThread\` is an index into \`threads\`, the first when missing.

  coarse, mid, fine   keys, each a part of the next: kind and one function, the bug, the whole path
  group               the key that the crash is filed under: mid
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
  let refused = 0;
  for await (const line of linesOf(process.stdin)) {
    if (line.text === "") continue;
    const answer = line.text === null ? new Error(line.problem) : answerTo(line.text);
    if (answer instanceof Error) {
      refused++;
      process.stderr.write(`faultline group: line ${line.number}: ${answer.message}\n`);
    } else if (!process.stdout.write(answer)) await once(process.stdout, "drain");
  }
  return refused > 0 ? 1 : 0;
}

function answerTo(text: string): string | Error {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch (error) {
    return new Error(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof report !== "object" || report === null || Array.isArray(report)) {
    return new Error(`wanted a report (a JSON object), found ${nameOf(report)}`);
  }
  return `${JSON.stringify(groupReport(report))}\n`;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
