/** The builder process as the symbolicator sees it: files in, a cache's file out, one at a time, within limits. */
import { fork, type ChildProcess } from "node:child_process";
import type { NativeLinks } from "@faultline/shared";
import type { SymbolPaths } from "@faultline/symbols";
import { CrashFailure } from "../failure.ts";
import { createGate } from "../gate.ts";
import {
  BUILDER_IDLE_MS,
  BUILDER_KEPT_BYTES,
  NATIVE_BUILD_TIMEOUT_MS,
  THREAD_START_MS,
} from "../limits.ts";
import {
  BuilderExit,
  type BuilderAnswer,
  type BuilderReport,
  type BuilderTask,
} from "./messages.ts";

/** Units of debug information that were read, and all. */
export type Progress = (unitsDone: number, unitsTotal: number) => void;
export type Built = BuilderAnswer & { readonly kind: "built" };

/** Both reject with CrashFailure for what is the files' own fault, with anything else for what is not. */
export interface NativeBuilder {
  /** What the file at `path` says of others. */
  examine(path: string): Promise<NativeLinks>;
  /** Writes the cache of these files to `out`. */
  build(paths: SymbolPaths, out: string, progress: Progress): Promise<Built>;
  /** Ends the process, and with it what is under way; nothing is started after it. */
  close(): Promise<void>;
}

export interface BuilderOptions {
  /** Memory that the process may use. */
  readonly memoryMib: number;
  readonly timeoutMs?: number;
  /** How long a process that has nothing to do is kept. */
  readonly idleMs?: number;
}

const program = new URL("./process.ts", import.meta.url);

export class BuilderClosedError extends Error {
  override readonly name = "BuilderClosedError";
}

/** Something ended the process in the middle of its work; it may have been the files. */
export class BuilderDiedError extends Error {
  override readonly name = "BuilderDiedError";
}

export const openNativeBuilder = (options: BuilderOptions): NativeBuilder => new Builder(options);

class Builder implements NativeBuilder {
  readonly #options: Required<BuilderOptions>;
  readonly #gate = createGate(1);
  #child: ChildProcess | null = null;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BuilderOptions) {
    this.#options = { timeoutMs: NATIVE_BUILD_TIMEOUT_MS, idleMs: BUILDER_IDLE_MS, ...options };
  }

  async examine(path: string): Promise<NativeLinks> {
    const answer = await this.#run({ kind: "examine", path }, () => undefined);
    if (answer.kind === "examined") return answer.links;
    throw refusal(answer);
  }

  async build(paths: SymbolPaths, out: string, progress: Progress): Promise<Built> {
    const answer = await this.#run({ kind: "build", paths, out }, progress);
    if (answer.kind === "built") return answer;
    throw refusal(answer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    const last = this.#child;
    if (last === null) return;
    const gone = new Promise((resolve) => last.once("exit", resolve));
    last.kill("SIGKILL");
    await gone;
  }

  #run(task: BuilderTask, progress: Progress): Promise<BuilderAnswer> {
    const { timeoutMs, memoryMib, idleMs } = this.#options;
    return this.#gate.run(1, async () => {
      if (this.#closed) throw new BuilderClosedError("the symbolicator ends");
      clearTimeout(this.#idle);
      const child = (this.#child ??= this.#start());
      try {
        const { answer, rss } = await converse(child, task, progress, timeoutMs);
        if (rss > BUILDER_KEPT_BYTES) this.#end(child);
        return answer;
      } catch (error) {
        this.#end(child);
        if (this.#closed) throw new BuilderClosedError("the symbolicator ends", { cause: error });
        throw error instanceof Ended ? failureOf(error, memoryMib, timeoutMs) : error;
      } finally {
        this.#idle = setTimeout(() => this.#child !== null && this.#end(this.#child), idleMs);
        this.#idle.unref();
      }
    });
  }

  #start(): ChildProcess {
    const child = fork(program, [String(this.#options.memoryMib)], {
      env: {},
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.once("exit", () => {
      if (this.#child === child) this.#child = null;
    });
    return child;
  }

  #end(child: ChildProcess): void {
    if (this.#child === child) this.#child = null;
    child.kill("SIGKILL");
  }
}

function refusal(answer: BuilderAnswer): Error {
  if (answer.kind === "refused") return new CrashFailure("engine", answer.message);
  const { kind } = answer;
  return new Error("message" in answer ? answer.message : `the builder answered with ${kind}`);
}

type End = number | NodeJS.Signals | "timeout";

/** The process ended, or was to, before it answered. */
class Ended extends Error {
  readonly how: End;
  /** It had begun its task: one that cannot start says nothing about the files. */
  readonly begun: boolean;
  constructor(how: End, begun: boolean) {
    super(`the builder process ended (${how})`);
    this.how = how;
    this.begun = begun;
  }
}

/** Resolves with what ends the task. */
function converse(
  child: ChildProcess,
  task: BuilderTask,
  progress: Progress,
  timeoutMs: number,
): Promise<BuilderReport> {
  const { promise, resolve, reject } = Promise.withResolvers<BuilderReport>();
  let begun = false;
  const late = (): void => reject(new Ended("timeout", begun));
  let timer = setTimeout(late, THREAD_START_MS);
  const onMessage = (report: BuilderReport): void => {
    const { answer } = report;
    if (answer.kind === "progress") return progress(answer.done, answer.total);
    if (answer.kind !== "begun") return resolve(report);
    begun = true;
    clearTimeout(timer);
    timer = setTimeout(late, timeoutMs);
  };
  const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
    reject(new Ended(signal ?? code ?? 1, begun));
  child.on("message", onMessage).once("exit", onExit).once("error", reject);
  child.send(task, (error) => error !== null && reject(error));
  return promise.finally(() => {
    clearTimeout(timer);
    child.off("message", onMessage).off("exit", onExit).off("error", reject);
  });
}

/** A process that something else killed says little about the files: the job is tried again, so many times. */
function failureOf(ended: Ended, memoryMib: number, timeoutMs: number): Error {
  const { how, begun, message } = ended;
  if (how === "timeout" && begun) {
    const limit = `NATIVE_BUILD_TIMEOUT_MS (${timeoutMs} ms)`;
    return new CrashFailure("timeout", `reading took longer than ${limit}`);
  }
  if (how === BuilderExit.memory) {
    const limit = `FAULTLINE_BUILD_MIB (${memoryMib} MiB)`;
    return new CrashFailure("memory", `reading needed more memory than ${limit}`);
  }
  return begun ? new BuilderDiedError(message) : ended;
}
