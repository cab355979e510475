/**
 * Dumps parsed a second, against the least that any reader of these texts does: divide the text into
 * lines and match one regular expression for frames.
 */
import { parseFaulthandler } from "@faultline/faulthandler";
import { faulthandlerText, type SynthDump, type SynthFrame } from "@faultline/testkit";

const WARM_MS = 300;
const MEASURED_MS = 1500;
const MIB = 1024 * 1024;

export async function benchFaulthandler(): Promise<void> {
  for (const python of [11, 14]) {
    const texts = Array.from({ length: 64 }, (_, seed) => Buffer.from(typicalDump(python, seed)));
    const size = texts.reduce((sum, text) => sum + text.length, 0) / texts.length;
    const parsed = rate(texts, (text) => parseFaulthandler(text).dumps.length);
    const matched = rate(texts, matchFrames);
    process.stdout.write(
      `  CPython 3.${python}, ${Math.round(size)} bytes: ${Math.round(parsed)} dumps/s, ` +
        `${((parsed * size) / MIB).toFixed(1)} MiB/s; lines and one regular expression ` +
        `${((matched * size) / MIB).toFixed(1)} MiB/s (${(matched / parsed).toFixed(2)} times as fast)\n`,
    );
  }
  noise();
}

/** A log without a dump: what a server does with a text that was sent by mistake. */
function noise(): void {
  const log = Buffer.alloc(32 * MIB, "2025-03-01 10:00:00,123 INFO app.worker: request served\n");
  const started = performance.now();
  parseFaulthandler(log);
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `  32 MiB of log lines without a dump: ${(32 / seconds).toFixed(0)} MiB/s\n`,
  );
}

/** Calls a second, on the texts in turn. */
function rate(texts: readonly Buffer[], work: (text: Buffer) => number): number {
  const run = (milliseconds: number): number => {
    const started = performance.now();
    let calls = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      for (const text of texts) work(text);
      calls += texts.length;
      elapsed = performance.now() - started;
    }
    return (calls * 1000) / elapsed;
  };
  run(WARM_MS);
  return run(MEASURED_MS);
}

const frameLine = /^ {2}File "(.*)", line (\d+) in (.*)$/;

function matchFrames(text: Buffer): number {
  const frames: object[] = [];
  for (const line of text.toString("utf8").split("\n")) {
    const match = frameLine.exec(line);
    if (match !== null) frames.push({ file: match[1], line: Number(match[2]), name: match[3] });
  }
  return frames.length;
}

/** About 4 KB: a crash in a service with a few threads, and the C stack where there is one. */
function typicalDump(python: number, seed: number): string {
  const library = `/usr/lib/python3.${python}`;
  const frame = (file: string, line: number, name: string): SynthFrame => ({ file, line, name });
  const waiting = [
    frame(`${library}/threading.py`, 355, "wait"),
    frame(`${library}/queue.py`, 171, "get"),
    frame(`${library}/concurrent/futures/thread.py`, 81, "_worker"),
    frame(`${library}/threading.py`, 1010, "run"),
    frame(`${library}/threading.py`, 1073, "_bootstrap_inner"),
    frame(`${library}/threading.py`, 1030, "_bootstrap"),
  ];
  const crashing = [
    frame("/srv/app/venv/lib/site-packages/numpy/linalg/linalg.py", 2100 + seed, "svd"),
    ...Array.from({ length: 12 }, (_, depth) =>
      frame(`/srv/app/service/step_${depth}.py`, 10 * depth + seed, `handle_${depth}`),
    ),
    frame("/srv/app/main.py", 88, "<module>"),
  ];
  const hasCStack = python >= 14;
  const workers = Array.from({ length: hasCStack ? 3 : 6 }, (_, index) => ({
    ident: 0x7f46_5215_3200n + BigInt(index * 0x1000),
    osName: `pool-${index}`,
    frames: waiting,
  }));
  const dump: SynthDump = {
    python,
    header: { kind: "signal", words: "Segmentation fault" },
    threads: [
      ...workers,
      { ident: 0x7f46_5300_0000n, osName: "python3", current: true, frames: crashing },
    ],
    extensionModules: ["numpy.core._multiarray_umath", "numpy.linalg._umath_linalg", "yaml._yaml"],
  };
  if (!hasCStack) return faulthandlerText(dump);
  const cStack = Array.from({ length: 20 }, (_, index) => ({
    file: "/usr/bin/python3.14",
    symbol: index % 3 === 0 ? "_PyEval_EvalFrameDefault" : "",
    offset: BigInt(index * 77),
    address: 0x7f46_5300_0000n + BigInt(index * 4096),
  }));
  return faulthandlerText({ ...dump, cStack });
}
