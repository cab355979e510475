/** Rows as ingest and the symbolicator make them, for the database tests. */
import { hash } from "node:crypto";
import {
  newCrashId,
  type CrashMetadata,
  type GroupSeed,
  type NewCrash,
  type Outcome,
  type ProcessedJob,
  type SightingSeed,
} from "../src/index.ts";

const metadata: CrashMetadata = {
  release: "1.0",
  environment: "production",
  host: "web-1",
  pid: 7,
  time: null,
  pythonVersion: null,
  tags: { region: "eu" },
  modules: [],
};

export function newCrash(projectId: number, change: Partial<NewCrash> = {}): NewCrash {
  const now = Date.now();
  const content = Buffer.from("dump");
  return {
    id: newCrashId(now),
    projectId,
    receivedAt: now,
    metadata,
    attachments: [
      {
        name: "faulthandler",
        kind: "faulthandler",
        contentType: "text/plain",
        size: content.length,
        sha256: "00",
        at: 0,
        blob: null,
      },
    ],
    content,
    key: null,
    ...change,
  };
}

/** Of crashes that share `what` with each other. */
export const sighting = (what: string): SightingSeed => ({
  hash: hash("md5", what, "hex"),
  pinned: false,
  evidence: JSON.stringify({ what }),
  version: 1,
});

export const seed = (mid: string): GroupSeed => ({
  ruleset: "cg1",
  coarse: `coarse ${mid}`,
  mid,
  link: null,
  sighting: sighting(mid),
  earlier: [],
  title: `Segfault in ${mid}`,
  culprit: mid,
  kind: "signal",
  classification: "memory-access",
  confidence: "high",
});

export function outcome(crash: NewCrash, change: Partial<Outcome> = {}): Outcome {
  return {
    crashId: crash.id,
    parent: null,
    projectId: crash.projectId,
    receivedAt: new Date(crash.receivedAt),
    occurredAt: new Date(crash.receivedAt),
    release: crash.metadata.release,
    environment: crash.metadata.environment,
    host: crash.metadata.host,
    tags: crash.metadata.tags,
    error: null,
    group: seed("app:run"),
    report: null,
    rulesRevision: 0,
    lacks: [],
    ...change,
  };
}

export const job = (crash: NewCrash, change: Partial<Outcome> = {}): ProcessedJob => ({
  crashId: crash.id,
  outcomes: [outcome(crash, change)],
});
