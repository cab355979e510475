/** One group with everything its page shows. */
import {
  findReport,
  groupCounts,
  groupFacet,
  type FacetCount,
  type GroupRow,
  type Pool,
} from "@faultline/shared";
import type { Static } from "./schemas/build.ts";
import { GROUP_DAYS, GROUP_FACET_VALUES, GROUP_HOURS } from "./limits.ts";
import type { ProjectScope } from "./project-scope.ts";
import { summaryView } from "./schemas/crash.ts";
import { groupView, type GroupDetailSchema } from "./schemas/group.ts";

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
  const [hours, days, releases, environments, hosts, newest] = await Promise.all([
    groupCounts(db, group.id, "hour", since(GROUP_HOURS)),
    groupCounts(db, group.id, "day", since(GROUP_DAYS * 24)),
    facet("release"),
    facet("environment"),
    facet("host"),
    findReport(db, scope.ids, group.newestCrash),
  ]);
  const grouping = newest?.report?.grouping ?? null;
  return {
    ...groupView(group, scope.slugOf, base),
    hours: hours.map(countView),
    days: days.map(countView),
    releases: facetView(releases),
    environments: facetView(environments),
    hosts: facetView(hosts),
    newest: newest === null ? null : summaryView(newest.summary, scope.slugOf),
    explanation: grouping,
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
