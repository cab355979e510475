/** Stands in for thread.ts where a test needs a thread that misbehaves: does what the text says. */
import { zstdCompressSync } from "node:zlib";
import type {
  CrashAnswer,
  CrashTask,
  MapAnswer,
  MapTask,
  ReportsTask,
} from "../src/thread-messages.ts";

export function reports({ started, crashes }: ReportsTask): readonly CrashAnswer[] {
  Atomics.store(started, 0, 1);
  return crashes.map(obey);
}

const libc = { key: "c0ffee", name: "libc.so.6", codeFile: null, buildId: "c0ffee", debugId: null };

function obey({ input, release, files, symbols, gaps }: CrashTask): CrashAnswer {
  const text = Buffer.from(input.faulthandler ?? []).toString();
  if (text === "loop") for (;;);
  if (text === "grow") for (const grown: unknown[] = []; ;) grown.push(Array(1e6).fill(0.5));
  if (text === "throw") return { kind: "failed", message: "RangeError: a\0b \ud800" };
  if (text === "exit") process.exit(3);
  if (text === "nothing") return { kind: "reports", reports: [] };
  if (text === "ask" && !files.has("jobs.py"))
    return { kind: "need-files", basenames: ["jobs.py"] };
  if (text === "insist") return { kind: "need-files", basenames: ["jobs.py"] };
  if (text === "symbols" && !symbols.has(libc.key))
    return { kind: "need-symbols", modules: [libc] };
  const states = [...symbols].map(([key, { state }]) => `${key}: ${state}`);
  const said = { version: 1, text, release, files: [...files.keys()], symbols: states, gaps };
  const group = {
    ruleset: "test-1",
    coarse: "c",
    mid: text,
    link: null,
    sighting: { hash: "0".repeat(32), pinned: false, evidence: "{}", version: 1 },
    earlier: [],
    title: text === "unstorable" ? "a\0b" : text,
    culprit: null,
    kind: "signal",
    classification: null,
    confidence: "high",
  };
  const report = new Uint8Array(zstdCompressSync(JSON.stringify(said)));
  const dumps = text === "three" ? 3 : 1;
  const lacks = { python: null, modules: [] };
  const finished = Array.from({ length: dumps }, () => ({
    group,
    report,
    lacks,
    verdict: null,
  }));
  return { kind: "reports", reports: finished };
}

export function pycMap({ bytes, started }: MapTask): MapAnswer {
  Atomics.store(started, 0, 1);
  if (bytes.length === 0) for (;;);
  return { kind: "map", map: bytes, version: 1, pythonVersion: "3.13", codeFilename: "a.py" };
}
