/** A faultline to be killed: starts Postgres on the folder given, writes a row, says so, and stays. */
import { openPool } from "@faultline/shared";
import { startEmbeddedPostgres } from "../src/embedded-postgres.ts";

const server = await startEmbeddedPostgres(process.argv[2] ?? "");
const client = openPool(server.url, "test", 1);
await client.query("create table kept (word text)");
await client.query("insert into kept values ('before the kill')");
process.stdout.write("written\n");
