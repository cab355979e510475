/** Every real dump of the corpus → its report, held against what the crashing programs knew. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderReport, type Report } from "@faultline/shared";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { buildReports } from "../src/index.ts";
import { noMetadata } from "./builders.ts";

interface TrueDump {
  readonly kind: string;
  readonly sameCrashAsPrevious?: boolean;
  readonly threads: readonly { readonly current: boolean }[];
  readonly threadsTruncated?: boolean;
}

if (corpus === null) process.stdout.write(`real dumps to reports: skipped, ${corpusSkipReason}\n`);
const folder = join(corpus ?? "", "python/dumps");
const versions = corpus === null ? [] : readdirSync(folder);

const kinds: Readonly<Record<string, Report["kind"]>> = {
  signal: "signal",
  fatal: "fatal",
  timeout: "timeout",
  dump: "dump",
  cstack: "dump",
  windowsException: "windows-exception",
};

function reportsOf(text: Uint8Array): readonly Report[] {
  const engine = buildReports({ metadata: noMetadata, faulthandler: text, minidump: null });
  let step = engine.next();
  while (step.done !== true) step = engine.next(new Map());
  return step.value.map(({ report }) => report);
}

/** Index of the listed thread that was current; of a watchdog's dump the main thread, listed last. */
function expectedThread({ kind, threads, threadsTruncated }: TrueDump): number | null {
  const current = threads.findIndex((thread) => thread.current);
  if (current >= 0) return current;
  return kind === "timeout" && threadsTruncated !== true ? threads.length - 1 : null;
}

/** A C stack of a thread that the text does not list stands after those that it does. */
const listedThread = ({ crashingThread }: Report, { threads }: TrueDump): number | null =>
  crashingThread !== null && crashingThread < threads.length ? crashingThread : null;

describe.skipIf(corpus === null)("real dumps to reports", () => {
  describe.each(versions)("dumps of %s", (version) => {
    const names = readdirSync(join(folder, version)).filter((name) => name.endsWith(".txt"));

    test.each(names)("%s", (name) => {
      const text = readFileSync(join(folder, version, name));
      const json = readFileSync(join(folder, version, name.replace(/txt$/, "json")), "utf8");
      const { dumps } = JSON.parse(json) as { dumps: readonly TrueDump[] };
      const crashes = dumps.filter((dump) => dump.sameCrashAsPrevious !== true);
      const reports = reportsOf(text);
      expect(reports.map(({ kind }) => kind)).toEqual(
        dumps.length === 0 ? ["dump"] : crashes.map(({ kind }) => kinds[kind]),
      );
      const blamed = crashes.map((dump, index) => listedThread(reports[index]!, dump));
      expect(blamed).toEqual(crashes.map(expectedThread));
      for (const report of reports) {
        expect(JSON.parse(JSON.stringify(report))).toEqual(report);
        expect(renderReport(report, { id: "1" })).toMatch(/^(?:[\x20-\x7e]{0,100}\n)+$/);
      }
    });
  });
});
