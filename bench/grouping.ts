/**
 * `npm run bench grouping`: crashes grouped a second, held against reading and writing the same
 * reports as JSON, what joining captures costs, and how well bugs stay whole and apart.
 */
import { attachAll, groupCrash, type GroupInput, groupReport } from "@faultline/processor";
import { world } from "../packages/processor/test/grouping/world/world.ts";
import { benchQuality } from "./grouping-quality.ts";

const REPORTS = 2000;
const ROUNDS = 7;

const own = [
  "api/views.py",
  "billing/invoice.py",
  "media/thumbs.py",
  "ml/train/loop.py",
  "shop/models.py",
];
const installed = [
  "django/core/handlers/base.py",
  "sqlalchemy/engine/default.py",
  "torch/nn/functional.py",
];
const library = [
  "threading.py",
  "concurrent/futures/thread.py",
  "json/decoder.py",
  "contextlib.py",
];

/** Frames as the processor resolves them with a pyc map at hand, without source lines. */
function frame(seed: number) {
  const [folder, files] = [
    ["/srv/shop/releases/20260606120005", own],
    ["/srv/venv/lib/python3.12/site-packages", installed],
    ["/usr/lib/python3.12", library],
  ][seed % 7 < 4 ? 0 : seed % 7 < 6 ? 1 : 2] as [string, readonly string[]];
  const line = (seed * 37) % 900;
  const name = `call_${seed % 211}`;
  return {
    language: "python",
    module: null,
    function: name,
    qualname: `Service.${name}`,
    file: `${folder}/${files[seed % files.length]}`,
    line,
    endLine: line,
    column: 8,
    endColumn: 40,
    definitionLine: line - 3,
    arguments: ["self", "request"],
    inApp: null,
    foundBy: "faulthandler",
    role: null,
    source: null,
  };
}

/** Stacks of 20 to 60 frames, as web services and workers have. */
function report(seed: number): GroupInput {
  const stack = Array.from({ length: 20 + (seed % 41) }, (_, depth) =>
    frame(seed * 13 + depth * 5),
  );
  const reason = seed % 3 === 0 ? "SIGABRT" : "SIGSEGV";
  const thread = {
    crashed: true,
    stitch: "none",
    garbageCollecting: false,
    truncated: false,
    gaps: [],
  };
  return {
    kind: seed % 5 === 0 ? "timeout" : "signal",
    reason: seed % 5 === 0 ? null : reason,
    message: null,
    classification: null,
    crashingThread: 0,
    threads: [{ ...thread, stack }],
  };
}

/** Milliseconds of the fastest round: the others had company. */
function fastest(round: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let count = 0; count < ROUNDS; count++) {
    const start = performance.now();
    round();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

export async function benchGrouping(): Promise<void> {
  const reports = Array.from({ length: REPORTS }, (_, seed) => report(seed));
  const texts = reports.map((each) => JSON.stringify(each));
  let letters = 0;
  const grouping = fastest(() => {
    for (const each of reports) letters += groupReport(each).group.length;
  });
  const json = fastest(() => {
    for (const text of texts) letters += JSON.stringify(JSON.parse(text)).length;
  });
  if (letters === 0) throw new Error("the reports were grouped into nothing");
  const rate = Math.round((REPORTS / grouping) * 1000);
  print("crashes of 20 to 60 frames", `${rate.toLocaleString("en")} grouped/s`);
  print("one crash", `${(grouping / REPORTS).toFixed(3)} ms (aim: below 0.3)`);
  print("JSON.parse + JSON.stringify of it", `${(json / REPORTS).toFixed(3)} ms`);
  print("grouping / JSON", `${(grouping / json).toFixed(2)}×`);
  benchCaptures();
  benchQuality();
}

/** Native frames cost more than Python ones: names to take apart, roles to look up. */
function benchCaptures(): void {
  const inputs = world(1, 200, REPORTS).map(({ input }) => input);
  const sightings = inputs.map((input) => ({ ...groupCrash(input), times: 1 }));
  let letters = 0;
  const grouping = fastest(() => {
    for (const input of inputs) letters += groupCrash(input).grouping.mid.length;
  });
  const attaching = fastest(() => {
    letters += attachAll(sightings).length;
  });
  if (letters === 0) throw new Error("the captures were grouped into nothing");
  print("one capture with native frames", `${(grouping / REPORTS).toFixed(3)} ms`);
  print("joining it with the others", `${(attaching / REPORTS).toFixed(3)} ms`);
}

const print = (what: string, figure: string): void => {
  process.stdout.write(`  ${what.padEnd(36)}${figure}\n`);
};
