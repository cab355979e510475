/** `faultline migrate`: brings the tables up to date; any number of them may run at once. */
import { parseArgs } from "node:util";
import { ensurePartitions, migrate } from "@faultline/shared";
import { withDatabase } from "../database.ts";

const usage = `usage: faultline migrate [--data DIR]

Applies what is missing of migrations/ to the database of --data DIR, else of DATABASE_URL, else of ./data.
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { data: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const applied = await withDatabase(values.data, async (pool) => {
    const names = await migrate(pool);
    await ensurePartitions(pool, Date.now());
    return names;
  });
  for (const name of applied) process.stdout.write(`${name}\n`);
  return 0;
}
