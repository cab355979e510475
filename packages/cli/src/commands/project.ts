/** `faultline project`: projects, and the ingest keys that let programs send crashes to them. */
import { parseArgs } from "node:util";
import {
  createIngestKey,
  createProject,
  listIngestKeys,
  listProjects,
  type Project,
  type Queryable,
  revokeIngestKey,
} from "@faultline/shared";
import { withDatabase } from "../database.ts";
import { CliError } from "../error.ts";

const usage = `usage: faultline project [list]
       faultline project create SLUG [--name NAME]
       faultline project key SLUG [--label LABEL]
       faultline project revoke KEY

Prints JSON, one object a line. A key may only write: it is no secret. A DSN is http://KEY@HOST:PORT/ID, with the project's id.
SLUG: lower-case letters, digits and hyphens. The database is that of --data DIR, else of DATABASE_URL, else of ./data.
`;

const options = {
  data: { type: "string" },
  help: { type: "boolean" },
  name: { type: "string" },
  label: { type: "string" },
} as const;

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [action = "list", word] = positionals;
  const lines = await withDatabase(values.data, (db) => {
    if (action === "list") return list(db);
    if (action === "create") return create(db, needed(word, "SLUG"), values.name, values.label);
    if (action === "key") return addKey(db, needed(word, "SLUG"), values.label);
    if (action === "revoke") return revoke(db, needed(word, "KEY"));
    throw new CliError(
      "usage",
      `there is no "project ${action}"; wanted list, create, key or revoke`,
    );
  });
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  return 0;
}

function needed(word: string | undefined, name: string): string {
  if (word === undefined) throw new CliError("usage", `${name} is missing`);
  return word;
}

async function list(db: Queryable): Promise<readonly object[]> {
  const keys = await listIngestKeys(db);
  return (await listProjects(db)).map((project) => ({
    ...project,
    keys: keys
      .filter((key) => key.projectId === project.id)
      .map(({ key, label, revokedAt }) => ({ key, label, revokedAt })),
  }));
}

async function create(
  db: Queryable,
  slug: string,
  name = slug,
  label = "first",
): Promise<readonly object[]> {
  if (!SLUG.test(slug)) {
    throw new CliError(
      "usage",
      `SLUG is ${JSON.stringify(slug)}: wanted lower-case letters, digits and hyphens, at most 63`,
    );
  }
  const project = await createProject(db, slug, name);
  if (project === null) throw new CliError("taken", `there is a project ${slug} already`);
  const { key } = await createIngestKey(db, project.id, label);
  return [{ ...project, keys: [{ key, label, revokedAt: null }] }];
}

async function addKey(db: Queryable, slug: string, label = "further"): Promise<readonly object[]> {
  const project = await findProject(db, slug);
  const { key } = await createIngestKey(db, project.id, label);
  return [{ project: project.slug, projectId: project.id, key, label }];
}

async function revoke(db: Queryable, key: string): Promise<readonly object[]> {
  if (!(await revokeIngestKey(db, key)))
    throw new CliError("not-found", `there is no living key ${key}`);
  return [{ key, revoked: true }];
}

/** Throws CliError `not-found` naming the projects there are. */
export async function findProject(db: Queryable, slug: string): Promise<Project> {
  const projects = await listProjects(db);
  const project = projects.find((one) => one.slug === slug);
  if (project !== undefined) return project;
  const known = projects.map((one) => one.slug).join(", ");
  throw new CliError("not-found", `there is no project ${slug}; there are: ${known || "none"}`);
}
