/** Groups as the API shows them. */
import { groupStatuses, reportKinds, type Grouping, type GroupRow } from "@faultline/shared";
import { Type, type Static } from "./build.ts";
import { Time } from "./common.ts";
import { CrashSummarySchema } from "./crash.ts";
import { GroupingSchema } from "./report.ts";

export const Status = Type.Enum(groupStatuses);
export const Kind = Type.Enum(reportKinds);

const groupFields = {
  id: Type.Integer(),
  project: Type.String({ description: "Slug." }),
  title: Type.String(),
  culprit: Type.Nullable(Type.String({ description: "The frame that is blamed." })),
  kind: Type.String(),
  classification: Type.Nullable(Type.String()),
  status: Status,
  confidence: Type.String(),
  count: Type.Integer(),
  firstSeen: Time,
  lastSeen: Time,
  newestCrash: Type.String({ description: "Crash id." }),
  url: Type.String(),
};

export const GroupSchema = Type.Object(groupFields);

const Counts = Type.Array(Type.Object({ time: Time, count: Type.Integer() }), {
  description: "Oldest first; times without crashes are left out.",
});

const Facet = Type.Object({
  distinct: Type.Integer({ description: "How many values there are." }),
  values: Type.Array(
    Type.Object({ value: Type.String(), count: Type.Integer(), firstSeen: Time, lastSeen: Time }),
    { description: "The commonest, most first." },
  ),
});

export const GroupDetailSchema = Type.Object({
  ...groupFields,
  hours: Counts,
  days: Counts,
  releases: Facet,
  environments: Facet,
  hosts: Facet,
  newest: Type.Nullable(CrashSummarySchema),
  explanation: Type.Nullable(
    Type.Of<Grouping>({
      ...GroupingSchema,
      description:
        "Why the newest crash is in this group: its keys, and every frame's part in them.",
    }),
  ),
});

export const groupView = (
  row: GroupRow,
  slugOf: (projectId: number) => string,
  base: string,
): Static<typeof GroupSchema> => {
  const { projectId, firstSeen, lastSeen, ...rest } = row;
  return {
    ...rest,
    project: slugOf(projectId),
    firstSeen: firstSeen.toISOString(),
    lastSeen: lastSeen.toISOString(),
    url: `${base}/api/v1/groups/${row.id}`,
  };
};
