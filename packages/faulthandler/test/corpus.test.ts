/** Real dumps, against what the crashing programs knew of their stacks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { type Dump, parseFaulthandler, type TextFrame, type TextThread } from "../src/index.ts";

interface ExpectedFrame {
  readonly file: string | null;
  readonly line: number | null;
  readonly name: string | null;
  readonly fileTruncated?: true;
  readonly nameTruncated?: true;
  readonly helper?: true;
}

interface ExpectedThread {
  readonly current: boolean;
  readonly ident?: string | null;
  readonly osName?: string | null;
  readonly anonymous?: true;
  readonly garbageCollecting?: true;
  readonly frames: readonly ExpectedFrame[];
  readonly framesTruncated?: "marked" | "possible";
  readonly noPythonFrame?: true;
  readonly stop?: string;
}

interface ExpectedDump {
  readonly kind: string;
  readonly message?: string | null;
  readonly messageStartsWith?: string | null;
  readonly func?: string;
  readonly runtimeState?: string | null;
  readonly timeout?: string;
  readonly timeoutSeconds?: number;
  readonly exceptionLine?: string;
  readonly threads: readonly ExpectedThread[];
  readonly threadsTruncated?: true;
  readonly cStack?: unknown;
  readonly extensionModules?: { readonly names: readonly string[]; readonly total: number };
  readonly sameCrashAsPrevious?: true;
  readonly interleaved?: true;
  readonly incomplete?: true;
  readonly garbageCollectingAny?: true;
}

const folder = corpus === null ? null : join(corpus, "python", "dumps");
const names =
  folder === null
    ? []
    : readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".txt"))
        .map((name) => name.slice(0, -".txt".length))
        .toSorted();

function read(name: string): { dumps: readonly Dump[]; expected: readonly ExpectedDump[] } {
  const path = join(folder ?? "", name);
  const { dumps: expected } = JSON.parse(readFileSync(`${path}.json`, "utf8")) as {
    dumps: ExpectedDump[];
  };
  return { dumps: parseFaulthandler(readFileSync(`${path}.txt`)).dumps, expected };
}

/** A frame without its raw forms, which say the same. */
function plainFrame(frame: TextFrame | ExpectedFrame): ExpectedFrame {
  const { file, line, name } = frame;
  return {
    file,
    line,
    name,
    ...(frame.fileTruncated && { fileTruncated: true }),
    ...(frame.nameTruncated && { nameTruncated: true }),
    ...(frame.helper && { helper: true }),
  };
}

function expectThread(
  found: TextThread | undefined,
  expected: ExpectedThread,
  dump: ExpectedDump,
): void {
  expect(found).toMatchObject({
    current: expected.current,
    anonymous: expected.anonymous ?? false,
    osName: expected.osName ?? null,
    framesTruncated: expected.framesTruncated ?? null,
    ...(expected.ident && { ident: expected.ident }),
    ...(expected.stop !== undefined && { stop: expected.stop }),
    ...(expected.noPythonFrame && { stop: "no Python frame" }),
    ...(!dump.garbageCollectingAny && { garbageCollecting: expected.garbageCollecting ?? false }),
  });
  expect(found?.frames.map(plainFrame)).toEqual(expected.frames.map(plainFrame));
}

function expectDump(found: Dump | undefined, expected: ExpectedDump): void {
  expect(found).toMatchObject({
    kind: expected.kind,
    timeout: expected.timeout ?? null,
    timeoutSeconds: expected.timeoutSeconds ?? null,
    threadsTruncated: expected.threadsTruncated ?? false,
    sameCrashAsPrevious: expected.sameCrashAsPrevious ?? false,
    extensionModules: expected.extensionModules ?? null,
  });
  expect(wordsOf(found)).toBe(wordsOf(expected) ?? wordsOf(found));
  expect(found?.message?.startsWith(expected.messageStartsWith ?? "") ?? true).toBe(true);
  expect(found?.runtimeState?.startsWith(expected.runtimeState ?? "") ?? true).toBe(true);
  expect(found?.exceptionText ?? undefined).toBe(expected.exceptionLine);
  expect(found?.cStack !== null).toBe(expected.cStack !== undefined);
  expect(found?.gaps.some(({ code }) => code === "incomplete")).toBe(expected.incomplete ?? false);
  expect(found?.threads).toHaveLength(expected.threads.length);
  for (const [index, thread] of expected.threads.entries()) {
    expectThread(found?.threads[index], thread, expected);
  }
}

/**
 * A fatal error's words, the C function included: 3.6 and 3.7 print "PyThreadState_Get: no current
 * thread" by hand, which the corpus counts as the message there and as a function elsewhere.
 */
function wordsOf(dump: Pick<ExpectedDump, "func" | "message"> | Dump | undefined): string | null {
  if (dump?.message === undefined || dump.message === null) return null;
  return typeof dump.func === "string" ? `${dump.func}: ${dump.message}` : dump.message;
}

/** The one line with two readings: file `q.py", line 5 in odd`, name `q`, or the other way round. */
const isAmbiguous = (name: string): boolean => name.endsWith("/name_ambiguous");

describe.skipIf(folder === null)(
  `the corpus${folder === null ? ` (skipped: ${corpusSkipReason})` : ""}`,
  () => {
    test.each(names.filter((name) => !isAmbiguous(name)))("%s", (name) => {
      const { dumps, expected } = read(name);
      expect(dumps).toHaveLength(expected.length);
      for (const [index, dump] of expected.entries()) expectDump(dumps[index], dump);
    });

    test.each(names.filter(isAmbiguous))("%s, in either reading", (name) => {
      const [found, expected] = [read(name).dumps[0], read(name).expected[0]].map((dump) =>
        dump?.threads[0]?.frames.map(
          (frame) => `"${frame.file}", line ${frame.line} in ${frame.name}`,
        ),
      );
      expect(found).toEqual(expected);
    });

    test.each(names.filter((name) => name.includes("noise_concurrent_writer")))(
      "%s: torn lines are mended exactly or said to be damaged",
      (name) => {
        const { dumps, expected } = read(name);
        expect(expected[0]?.interleaved).toBe(true);
        expect(
          dumps[0]?.threads.flatMap(({ frames }) => frames.filter(({ damaged }) => damaged)),
        ).toEqual([]);
      },
    );
  },
);
