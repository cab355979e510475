/** `node symbol-build.ts OBJECT OUT`: builds a cache in a process of its own, prints what it cost as JSON. */
import { writeFileSync } from "node:fs";
import { build } from "../packages/cli/src/symbols/object-files.ts";

const [object = "", out = ""] = process.argv.slice(2);
const start = performance.now();
const bytes = await build({ object, debug: null, supplementary: null });
const seconds = (performance.now() - start) / 1000;
writeFileSync(out, bytes);
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ seconds, peak, cacheBytes: bytes.length }));
