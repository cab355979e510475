/** Crashes as accept-crash.ts makes them. */
import { hash } from "node:crypto";
import { newCrashId, type NewCrash } from "@faultline/shared";
import { dumpText } from "./setting.ts";

export function newCrash(projectId: number, change: Partial<NewCrash> = {}): NewCrash {
  const now = Date.now();
  const id = newCrashId(now);
  const content = Buffer.from(dumpText(id));
  return {
    id,
    projectId,
    receivedAt: now,
    metadata: {
      release: "1.0",
      environment: "production",
      host: "web-1",
      pid: 7,
      time: null,
      pythonVersion: null,
      tags: { ä: "ö" },
      modules: [{ name: "libc.so.6" }],
    },
    attachments: [
      {
        name: "faulthandler",
        kind: "faulthandler",
        contentType: "text/plain",
        size: content.length,
        sha256: hash("sha256", content),
        at: 0,
        blob: null,
      },
    ],
    content,
    key: { kind: "content", key: hash("sha256", id, "buffer") },
    ...change,
  };
}
