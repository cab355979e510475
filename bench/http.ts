/**
 * End to end over HTTP: ingest, symbolicator, Redis and Postgres as separate processes, and the load
 * generator, all on this machine.
 *
 * Every level of crashes already stored gets the same two measurements: a burst that is sent as fast as it is
 * taken and then drained, and a steady load whose crashes are watched until they can be read.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { openPool, type Pool } from "@faultline/shared";
import { startIngest, startSymbolicator } from "../test/services.ts";
import type { LoadOrder, LoadResult } from "./load-generator.ts";
