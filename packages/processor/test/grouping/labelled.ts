/** Labelled stacks of the corpus as reports: for tests, and for `npm run bench grouping`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Frame, Thread } from "@faultline/shared";
import { corpus } from "../../../../test/corpus.ts";
import type { GroupInput } from "../../src/grouping/index.ts";
import { aNativeFrame, aPythonFrame, aReportThread } from "../builders.ts";

export interface Labelled {
  readonly bug: string;
  readonly bugClass: string;
  readonly capture: string;
  readonly input: GroupInput;
}

const read = (path: string): Buffer => readFileSync(join(corpus ?? "", "grouping", path));

interface LabelledFrame {
  readonly lang: string;
  readonly function: string | null;
  readonly module: string | null;
  readonly file: string | null;
  readonly line?: number | null;
}

/** Of all that a set says of a frame what every set does. */
function frameOf(frame: LabelledFrame): Frame {
  const { lang, function: name, module, file, line = null } = frame;
  const known = { function: name, module, file, line };
  return lang === "python" ? aPythonFrame(known) : aNativeFrame(known);
}

const threadOf = (frames: readonly LabelledFrame[]): Thread =>
  aReportThread(frames.map(frameOf), { crashed: true, stitch: "approximate" });

interface Synthetic {
  readonly kind: string;
  readonly message: string | null;
  readonly frames: readonly LabelledFrame[];
  readonly bug: number;
  readonly mode: string;
  readonly cls: string;
}

/** Reports of the synthetic set; `bare`: with nothing but a kind, a message and one thread. */
export function syntheticSet(bare = false): readonly Labelled[] {
  const lines = gunzipSync(read("synthetic-seed7.jsonl.gz")).toString().trim().split("\n");
  return lines.map((text) => {
    const { kind, message, frames, bug, mode, cls } = JSON.parse(text) as Synthetic;
    const labels = { bug: String(bug), bugClass: cls, capture: mode };
    if (bare) {
      const stack = frames.map(({ lang, ...frame }) => ({ ...frame, language: lang }));
      return { ...labels, input: { kind, message, threads: [{ stack }] } };
    }
    const death =
      kind === "hang" ? { kind: "timeout", reason: null } : { kind: "signal", reason: kind };
    const threads = [threadOf(frames)];
    return {
      ...labels,
      input: { ...death, message, classification: null, crashingThread: 0, threads },
    };
  });
}

interface Casr {
  readonly set: string;
  readonly input_sha: string | null;
  readonly severity: string;
  readonly crash_line: string;
  readonly exception: { ShortDescription: string } | null;
  readonly frames: readonly LabelledFrame[];
}
const casr = () => JSON.parse(read("casr/casr_stacks.json").toString()) as readonly Casr[];

/** Of one input, its stack under gdb and its stack under AddressSanitizer, as one death. */
export function casrPairs(): readonly (readonly [gdb: GroupInput, asan: GroupInput])[] {
  const all = casr();
  const asan = new Map(
    all.filter(({ set }) => set === "test_clustering_san").map((each) => [each.input_sha, each]),
  );
  return all
    .filter(({ set }) => set === "test_clustering_gdb")
    .flatMap((gdb): [GroupInput, GroupInput][] => {
      const other = asan.get(gdb.input_sha);
      if (other === undefined) return [];
      const reason = gdb.severity === "AbortSignal" ? "SIGABRT" : "SIGSEGV";
      const death = { kind: "signal", reason, crashingThread: 0 };
      const report = ({ frames }: Casr): GroupInput => ({ ...death, threads: [threadOf(frames)] });
      return [[report(gdb), report(other)]];
    });
}

/** CASR's own clusters, by the line that crashed. */
export function casrClusters(set: "gdb" | "san" | "python"): readonly Labelled[] {
  return casr()
    .filter((each) => each.set === `test_clustering_${set}`)
    .map(({ crash_line: bug, severity, exception, frames }) => {
      const reason = severity === "AbortSignal" ? "SIGABRT" : "SIGSEGV";
      const death =
        exception === null
          ? { kind: "signal", reason }
          : { kind: "exception", reason: exception.ShortDescription };
      const input = { ...death, crashingThread: 0, threads: [threadOf(frames)] };
      return { bug, bugClass: set, capture: set, input };
    });
}

/** gdb's line of one frame: `#3 0x… in f (…) at file:line`, `#3 f (…) from /lib/x.so`. */
const gdbFrame =
  /^#\d+\s+(?:0x[0-9a-f]+ in )?(?:(\?\?)|(.+?)) \(.*?\)(?: at (\S+?):(\d+)| from (\S+))?$/;

/** Native stacks of one scenario under several CPythons. One file of the corpus is empty. */
export function cpythonScenarios(): ReadonlyMap<string, readonly GroupInput[]> {
  const scenarios = new Map<string, GroupInput[]>();
  for (const name of readdirSync(join(corpus ?? "", "grouping/cpython-native-stacks"))) {
    const lines = read(`cpython-native-stacks/${name}`).toString().split("\n");
    const frames = lines.flatMap((line): LabelledFrame[] => {
      const [found, , function_, file, at, module] = gdbFrame.exec(line) ?? [];
      if (found === undefined) return [];
      const place = { file: file ?? null, line: at === undefined ? null : Number(at) };
      return [{ lang: "native", function: function_ ?? null, module: module ?? null, ...place }];
    });
    if (frames.length === 0) continue;
    const scenario = name.split(".").at(-2) ?? name;
    const reason = scenario === "abort" ? "SIGABRT" : "SIGSEGV";
    const input = { kind: "signal", reason, crashingThread: 0, threads: [threadOf(frames)] };
    scenarios.set(scenario, [...(scenarios.get(scenario) ?? []), input]);
  }
  return scenarios;
}
