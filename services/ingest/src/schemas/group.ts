/** Groups as the API shows them. */
import {
  activities,
  groupOrigins,
  groupStatuses,
  reportKinds,
  type ActivityRow,
  type GroupMember,
  type Grouping,
  type GroupRow,
} from "@faultline/shared";
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

const Member = Type.Object({
  id: Type.Integer({ description: "Id of the group that counts it; its address leads here." }),
  title: Type.String(),
  culprit: Type.Nullable(Type.String()),
  origin: Type.Enum(groupOrigins, {
    description:
      "auto: its own group; attach: nearly all its crashes share what crashes of this group do, and it parts again when " +
      "they no longer do; alias: its crashes have a better key now; user-merge, user-split: by a user's word.",
  }),
  splitFrom: Type.Nullable(
    Type.Integer({ description: "Group that its first crash would have been in before." }),
  ),
  count: Type.Integer(),
  firstSeen: Time,
  lastSeen: Time,
  keys: Type.Array(Type.Object({ ruleset: Type.String(), key: Type.String() })),
});

const Activity = Type.Object({
  at: Time,
  actor: Type.Nullable(Type.String({ description: "A token; null: the service itself." })),
  what: Type.Enum(activities),
  group: Type.Integer({ description: "The group that it is about." }),
  detail: Type.Of<Record<string, unknown>>({ type: "object", additionalProperties: true }),
});

export const GroupDetailSchema = Type.Object({
  ...groupFields,
  hours: Counts,
  days: Counts,
  releases: Facet,
  environments: Facet,
  hosts: Facet,
  members: Type.Array(Member, {
    description:
      "What is shown as this group, itself first: one for every key, with those that came to lead there.",
  }),
  callers: Type.Integer({
    description:
      "From how many places in Python code its crashes came. Many of them mean that its native function does a small " +
      "thing for its callers: `…/split` has those name groups instead.",
  }),
  alike: Type.Array(GroupSchema, {
    description:
      "May be the same: reached from the same Python functions, and not joined because their crashes go several ways.",
  }),
  activity: Type.Array(Activity, { description: "What became of it, newest first." }),
  newest: Type.Nullable(CrashSummarySchema),
  explanation: Type.Nullable(
    Type.Of<Grouping>({
      ...GroupingSchema,
      description:
        "Why the newest crash is in this group: its keys, and every frame's part in them.",
    }),
  ),
});

export const memberView = (member: GroupMember): Static<typeof Member> => ({
  ...member,
  firstSeen: member.firstSeen.toISOString(),
  lastSeen: member.lastSeen.toISOString(),
  keys: member.keys.map(({ ruleset, key }) => ({ ruleset, key })),
});

export const activityView = ({
  at,
  actor,
  what,
  groupId,
  detail,
}: ActivityRow): Static<typeof Activity> => ({
  at: at.toISOString(),
  actor,
  what,
  group: groupId,
  detail: { ...detail },
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
