/** `faultline token`: the secrets with which people and pipelines use the API. */
import { parseArgs } from "node:util";
import {
  createToken,
  listTokens,
  type Queryable,
  revokeToken,
  type TokenScope,
  tokenScopes,
} from "@faultline/shared";
import { withDatabase } from "../database.ts";
import { CliError } from "../error.ts";
import { findProject } from "./project.ts";

const usage = `usage: faultline token [list]
       faultline token create [--scope read,raw,symbols,admin] [--project SLUG] [--label LABEL] [--days N]
       faultline token revoke ID

Prints JSON, one object a line. The secret of a token is shown once, when it is made: only its hash is kept.
Without --scope it may read, minidumps left out: they want raw; without --project it is for every project; without --days it does not expire.
The database is that of --data DIR, else of DATABASE_URL, else of ./data.
`;

const options = {
  data: { type: "string" },
  help: { type: "boolean" },
  scope: { type: "string", default: "read" },
  project: { type: "string" },
  label: { type: "string", default: "" },
  days: { type: "string" },
} as const;

interface Wanted {
  readonly scope: string;
  readonly project?: string | undefined;
  readonly label: string;
  readonly days?: string | undefined;
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 3650;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [action = "list", word] = positionals;
  const lines = await withDatabase(values.data, async (db): Promise<readonly object[]> => {
    if (action === "list") return await listTokens(db);
    if (action === "create") return [await create(db, values)];
    if (action === "revoke") return [await revoke(db, word)];
    throw new CliError("usage", `there is no "token ${action}"; wanted list, create or revoke`);
  });
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  return 0;
}

async function create(db: Queryable, wanted: Wanted): Promise<object> {
  const project = wanted.project === undefined ? null : await findProject(db, wanted.project);
  const { token, secret } = await createToken(db, {
    label: wanted.label,
    projectId: project?.id ?? null,
    scopes: wanted.scope.split(",").map(scopeOf),
    expiresAt:
      wanted.days === undefined ? null : new Date(Date.now() + daysOf(wanted.days) * DAY_MS),
  });
  return { ...token, secret };
}

function scopeOf(word: string): TokenScope {
  const scope = tokenScopes.find((one) => one === word);
  if (scope === undefined) {
    throw new CliError(
      "usage",
      `--scope ${JSON.stringify(word)}: wanted some of ${tokenScopes.join(",")}`,
    );
  }
  return scope;
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new CliError(
      "usage",
      `--days ${JSON.stringify(text)}: wanted a whole number from 1 to ${MAX_DAYS}`,
    );
  }
  return days;
}

async function revoke(db: Queryable, id: string | undefined): Promise<object> {
  if (id === undefined || !/^\d{1,9}$/.test(id))
    throw new CliError("usage", "wanted the ID of a token (see faultline token list)");
  if (!(await revokeToken(db, Number(id))))
    throw new CliError("not-found", `there is no living token ${id}`);
  return { id: Number(id), revoked: true };
}
