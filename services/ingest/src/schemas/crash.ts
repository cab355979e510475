/** Crashes as the API shows them. */
import type { CrashSummary } from "@faultline/shared";
import { Type, type Static } from "./build.ts";
import { Time } from "./common.ts";
import { ReportSchema } from "./report.ts";

const text = Type.Nullable(Type.String());

const State = Type.Enum(["received", "processed", "failed"], {
  description: "received: waits for processing; failed: `error` says why, the files are kept.",
});

const summaryFields = {
  id: Type.String(),
  project: Type.String({ description: "Slug." }),
  group: Type.Nullable(Type.Integer({ description: "Id of its group." })),
  state: State,
  error: text,
  kind: text,
  title: text,
  receivedAt: Time,
  occurredAt: Type.Nullable(Time),
  processedAt: Type.Nullable(Time),
  release: text,
  environment: text,
  host: text,
};

export const CrashSummarySchema = Type.Object(summaryFields);

export const CrashSchema = Type.Object({
  ...summaryFields,
  url: Type.String(),
  parent: Type.Nullable(
    Type.String({ description: "First crash of the same text, when it held several dumps." }),
  ),
  pid: Type.Nullable(Type.Integer()),
  time: text,
  pythonVersion: text,
  tags: Type.Record(Type.String()),
  annotations: Type.Record(Type.String()),
  annotationsLeftOut: Type.Integer({ description: "Annotations that were too many or too large." }),
  attachments: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      contentType: Type.String({ description: "As the client said." }),
      size: Type.Integer(),
      sha256: Type.String(),
      url: Type.String(),
      keptUntil: Type.Nullable(
        Type.String({ description: "RFC 3339; of a minidump, which goes before its crash." }),
      ),
    }),
  ),
  report: Type.Nullable(ReportSchema),
});

export const summaryView = (
  crash: CrashSummary,
  slugOf: (projectId: number) => string,
): Static<typeof CrashSummarySchema> => ({
  id: crash.id,
  project: slugOf(crash.projectId),
  group: crash.groupId,
  state: crash.state,
  error: crash.error,
  kind: crash.kind,
  title: crash.title,
  receivedAt: crash.receivedAt.toISOString(),
  occurredAt: crash.occurredAt.toISOString(),
  processedAt: crash.processedAt.toISOString(),
  release: crash.release,
  environment: crash.environment,
  host: crash.host,
});
