/**
 * The shop whose ranking is written in C, as a team with an extension module runs it: one install of the reporter, symbols sent
 * by the release pipeline, a worker that dies in production.
 */
import { execFile } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Server } from "./server.ts";
import type { Python } from "./shop-release.ts";

const run = promisify(execFile);
const here = fileURLToPath(new URL("ranking/", import.meta.url));
const reporter = fileURLToPath(new URL("../reporter", import.meta.url));
const RUN_TIMEOUT_MS = 60_000;

export interface RankingRelease {
  /** Sends compiled files, sources, the extension module and the interpreter with its libraries; answers with the uploader's last line. */
  uploadSymbols(server: Server, release: string): Promise<string>;
  /** Runs a worker until it dies; "SIGSEGV". Its crash is sent by a process that outlives it. */
  crash(server: Server, release: string): Promise<string>;
}

/** Builds it in `folder`; why it cannot be built where that is so. */
export async function buildRanking(
  python: Python,
  folder: string,
): Promise<RankingRelease | string> {
  const own = join(folder, "venv/bin/python");
  const app = join(folder, "ranking");
  try {
    await run(python.program, ["-m", "venv", join(folder, "venv")]);
    // pip writes beside the sources that it builds from
    await cp(reporter, join(folder, "reporter"), { recursive: true, filter: isSource });
    await run(own, ["-m", "pip", "install", "--quiet", join(folder, "reporter")]);
  } catch (error) {
    return `the reporter cannot be installed (${reasonOf(error)})`;
  }
  try {
    await cp(here, app, { recursive: true });
    await compile(own, app);
  } catch (error) {
    return `the extension module cannot be built: it wants cc and Python's headers (${reasonOf(error)})`;
  }
  return releaseOf(own, app, folder);
}

const isSource = (path: string): boolean => !/\/(?:\.venv|build|tests|__pycache__)$/.test(path);

const reasonOf = (error: unknown): string =>
  String((error as { stderr?: string }).stderr || error)
    .trim()
    .split("\n")
    .at(-1) ?? "";

async function compile(python: string, app: string): Promise<void> {
  const script =
    "import sysconfig as s; print(s.get_path('include'), s.get_config_var('EXT_SUFFIX'), sep='\\n')";
  const [include = "", suffix = ""] = (await run(python, ["-c", script])).stdout.split("\n");
  const flags = ["-g", "-O2", "-fPIC", "-shared", "-Wl,--build-id", `-I${include}`];
  await run("cc", [...flags, "ranking.c", "-o", `shop_ranking${suffix}`], { cwd: app });
}

/** The interpreter and the libraries it needs: what stands in every native stack. */
const mappedFiles = `
import os
paths = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if line.count("/") > 0}
print(*sorted(path for path in paths if os.path.basename(path).startswith(("python", "lib"))), sep="\\n")`;

function releaseOf(python: string, app: string, folder: string): RankingRelease {
  return {
    async uploadSymbols(server, release) {
      const mapped = (await run(python, ["-c", mappedFiles])).stdout.trim().split("\n");
      const words = ["-m", "faultline", "symbols", "upload", "--release", release, app, ...mapped];
      const env = { ...process.env, FAULTLINE_URL: server.url, FAULTLINE_TOKEN: server.token };
      const { stdout, stderr } = await run(python, words, { env });
      return `${stdout}${stderr}`.trim().split("\n").at(-1) ?? "";
    },
    async crash(server, release) {
      const { host } = new URL(server.url);
      const env = {
        ...process.env,
        FAULTLINE_DSN: `${server.url.replace(host, `${server.key}@${host}`)}/1`,
        FAULTLINE_SPOOL_DIR: join(folder, "reporter-spool"),
        SHOP_RELEASE: release,
      };
      const line = `ulimit -c 0; exec "${python}" -m shop_app clearance`;
      const options = { cwd: app, env, timeout: RUN_TIMEOUT_MS };
      const end = await run("sh", ["-c", line], options).then(
        () => "exit code 0",
        (error: { signal?: string; code?: number }) => error.signal ?? `exit code ${error.code}`,
      );
      return end;
    },
  };
}
