/** Crashes that were worked out, as the symbolicator saves them. */
import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import {
  acceptCrashes,
  newCrashId,
  saveProcessed,
  type GroupSeed,
  type NewCrash,
  type Outcome,
  type Pool,
  type Report,
} from "@faultline/shared";
import { newCrash } from "./crash-rows.ts";

export const HOUR = 3_600_000;
export const now = Date.now();

export function reportOf(group: GroupSeed): Report {
  return {
    version: 1,
    kind: "signal",
    reason: "SIGSEGV",
    code: null,
    address: null,
    message: null,
    fatalFunction: null,
    runtimeState: null,
    timeoutSeconds: null,
    classification: "memory-access",
    os: "linux",
    cpu: null,
    osVersion: null,
    process: null,
    registers: null,
    annotations: {},
    python: { version: "3.12", evidence: "path" },
    crashingThread: 0,
    threads: [
      {
        id: null,
        ident: "0x00007f0000000001",
        name: null,
        crashed: true,
        stitch: "none",
        garbageCollecting: false,
        truncated: false,
        gaps: [{ code: "no-map", detail: "app/jobs.py: no .pyc of release 1.0" }],
        stack: [
          {
            language: "python",
            module: "app.jobs",
            function: "run",
            qualname: "Worker.run",
            file: "/srv/app/jobs.py",
            line: 42,
            endLine: 42,
            column: 8,
            endColumn: 30,
            definitionLine: 40,
            arguments: ["self"],
            inApp: true,
            foundBy: "faulthandler",
            role: null,
            source: { before: ["def run(self):"], line: "    go()", after: [] },
          },
          {
            language: "native",
            pc: "0x1",
            module: null,
            offset: null,
            function: null,
            linkageName: null,
            file: null,
            line: null,
            column: null,
            inline: false,
            foundBy: "c-stack",
            role: null,
          },
        ],
      },
    ],
    modules: [],
    extensionModules: ["numpy.core"],
    gaps: [],
    grouping: {
      ruleset: "cg1",
      mode: "python",
      confidence: "high",
      coarse: group.coarse,
      mid: group.mid,
      fine: "f",
      link: null,
      group: group.mid,
      title: group.title,
      culprit: group.culprit,
      frames: [
        {
          index: 0,
          role: "own",
          token: "app.jobs:run",
          usedIn: ["mid"],
          reason: "the application's own code",
        },
      ],
    },
  };
}

export const seed = (name: string, kind: string): GroupSeed => ({
  ruleset: "cg1",
  coarse: `coarse ${name}`,
  mid: name,
  link: null,
  sighting: { hash: hash("md5", name, "hex"), pinned: false, evidence: "{}", version: 1 },
  earlier: [],
  title: `Segfault in ${name}`,
  culprit: `app.${name}`,
  kind,
  classification: "memory-access",
  confidence: "high",
});

/** One processed crash, `age` hours old. */
export async function processed(
  pool: Pool,
  projectId: number,
  name: string,
  age: number,
  change: Partial<Outcome> = {},
): Promise<NewCrash> {
  const occurred = now - age * HOUR;
  const crash = newCrash(projectId, { id: newCrashId(occurred), receivedAt: occurred });
  await acceptCrashes(pool, [crash]);
  const group = seed(name, change.error === undefined ? "signal" : "fatal");
  const outcome: Outcome = {
    crashId: crash.id,
    parent: null,
    projectId,
    receivedAt: new Date(occurred),
    occurredAt: new Date(occurred),
    release: "1.0",
    environment: "production",
    host: "web-1",
    tags: crash.metadata.tags,
    error: null,
    group,
    report: zstdCompressSync(JSON.stringify(reportOf(group))),
    rulesRevision: 0,
    lacks: [],
    ...change,
  };
  await saveProcessed(pool, [{ crashId: crash.id, outcomes: [outcome] }]);
  return crash;
}
