/** One group with everything its page shows. */
import {
  countCallers,
  findReport,
  groupCounts,
  groupFacet,
  listActivity,
  listGroupMembers,
  listLikeGroups,
  type FacetCount,
  type GroupRow,
  type Pool,
} from "@faultline/shared";
import type { Static } from "./schemas/build.ts";
import {
  GROUP_ACTIVITY,
  GROUP_DAYS,
  GROUP_FACET_VALUES,
  GROUP_HOURS,
  GROUP_MEMBERS,
  LIKE_GROUPS,
} from "./limits.ts";
import type { ProjectScope } from "./project-scope.ts";
import { summaryView } from "./schemas/crash.ts";
import { activityView, groupView, memberView, type GroupDetailSchema } from "./schemas/group.ts";

const HOUR_MS = 3_600_000;

export async function groupDetail(
  db: Pool,
  group: GroupRow,
  scope: ProjectScope,
  base: string,
  now: Date,
): Promise<Static<typeof GroupDetailSchema>> {
  const since = (hours: number): Date => new Date(now.getTime() - hours * HOUR_MS);
  const facet = (name: "release" | "environment" | "host") =>
    groupFacet(db, group.id, name, GROUP_FACET_VALUES);
  const [hours, days, releases, environments, hosts, newest, joined] = await Promise.all([
    groupCounts(db, group.id, "hour", since(GROUP_HOURS)),
    groupCounts(db, group.id, "day", since(GROUP_DAYS * 24)),
    facet("release"),
    facet("environment"),
    facet("host"),
    findReport(db, scope.ids, group.newestCrash),
    joinedTo(db, group, scope, base),
  ]);
  const grouping = newest?.report?.grouping ?? null;
  return {
    ...groupView(group, scope.slugOf, base),
    hours: hours.map(countView),
    days: days.map(countView),
    releases: facetView(releases),
    environments: facetView(environments),
    hosts: facetView(hosts),
    ...joined,
    newest: newest === null ? null : summaryView(newest.summary, scope.slugOf),
    explanation: grouping,
  };
}

/** What else is shown as the group, what may belong there, and how that came to be. */
async function joinedTo(
  db: Pool,
  { id }: GroupRow,
  scope: ProjectScope,
  base: string,
): Promise<Pick<Static<typeof GroupDetailSchema>, "members" | "callers" | "alike" | "activity">> {
  const [members, callers, alike, activity] = await Promise.all([
    listGroupMembers(db, id, GROUP_MEMBERS),
    countCallers(db, id),
    listLikeGroups(db, id, LIKE_GROUPS),
    listActivity(db, id, GROUP_ACTIVITY),
  ]);
  return {
    members: members.map(memberView),
    callers,
    alike: alike.map((row) => groupView(row, scope.slugOf, base)),
    activity: activity.map(activityView),
  };
}

const countView = ({ time, count }: { time: Date; count: number }) => ({
  time: time.toISOString(),
  count,
});

const facetView = ({ distinct, values }: { distinct: number; values: readonly FacetCount[] }) => ({
  distinct,
  values: values.map(({ value, count, firstSeen, lastSeen }) => ({
    value,
    count,
    firstSeen: firstSeen.toISOString(),
    lastSeen: lastSeen.toISOString(),
  })),
});
