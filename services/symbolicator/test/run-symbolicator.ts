/** A symbolicator in a process of its own, for tests that kill it. Configured by the environment. */
import { openLog, readConfig } from "@faultline/shared";
import { startSymbolicator } from "../src/index.ts";

const config = readConfig(process.env);
const symbolicator = await startSymbolicator(config, openLog("symbolicator", config.logLevel));
process.once("SIGTERM", () => void symbolicator.close());
process.stdout.write("ready\n");
