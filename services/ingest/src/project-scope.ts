/** Which projects a request is about: what its token may see, narrowed by `?project=`. */
import { listProjects, type Pool, type Project } from "@faultline/shared";
import type { Caller } from "./auth/guard.ts";
import { Problem } from "./problem.ts";

export interface ProjectScope {
  /** Null: every project. */
  readonly ids: readonly number[] | null;
  readonly slugOf: (projectId: number) => string;
}

/** Throws a Problem (not found) for a project that does not exist or that the token may not see. */
export async function scopeOf(
  db: Pool,
  caller: Caller,
  slug: string | undefined,
): Promise<ProjectScope> {
  const projects = await listProjects(db);
  const slugs = new Map(projects.map((project) => [project.id, project.slug]));
  const ids = slug === undefined ? caller.projectIds : [visible(projects, caller, slug).id];
  return { ids, slugOf: (id) => slugs.get(id) ?? String(id) };
}

/** The one project that symbols or keys are for. */
export async function projectFor(
  db: Pool,
  caller: Caller,
  slug: string | undefined,
): Promise<Project> {
  const projects = await listProjects(db);
  if (slug !== undefined) return visible(projects, caller, slug);
  const own = projects.filter((project) => caller.projectIds?.includes(project.id) ?? true);
  const [only] = own;
  if (only === undefined || own.length > 1) {
    throw new Problem(
      "no-project",
      `wanted one project, found ${own.length} that the token is good for`,
    );
  }
  return only;
}

function visible(projects: readonly Project[], caller: Caller, slug: string): Project {
  const project = projects.find((one) => one.slug === slug);
  const isVisible = project !== undefined && (caller.projectIds?.includes(project.id) ?? true);
  if (!isVisible) throw new Problem("not-found", `project ${JSON.stringify(slug.slice(0, 80))}`);
  return project;
}
