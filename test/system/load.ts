/** Sends crashes as a patient client does: with its own id, again and again until the answer is 200. */
import { setTimeout as sleep } from "node:timers/promises";
import { newCrashId } from "@faultline/shared";
import { dumpText } from "./dumps.ts";

export interface Load {
  /** Ids that the server answered with 200. Grows while the load runs. */
  readonly acknowledged: ReadonlySet<string>;
  /** Answers other than 200, as the client saw them. */
  readonly refusals: readonly string[];
  /** Resolves when every crash was acknowledged; rejects when one was not for PATIENCE_MS. */
  readonly done: Promise<void>;
  /** Resolves when at least `count` crashes were acknowledged. */
  reached(count: number): Promise<void>;
}

export interface LoadOptions {
  /** Base URLs, taken in turn; a crash that must be sent again goes to the next. */
  readonly urls: readonly string[];
  readonly key: string;
  readonly count: number;
  readonly bugs: number;
}

const CLIENTS = 8;
const PATIENCE_MS = 45_000;
const PAUSE_MS = 50;
const ANSWER_TIMEOUT_MS = 10_000;

export function startLoad(options: LoadOptions): Load {
  const acknowledged = new Set<string>();
  const refusals: string[] = [];
  let next = 0;

  async function client(): Promise<void> {
    while (next < options.count) {
      const serial = next++;
      const id = newCrashId(Date.now());
      await sendUntilAcknowledged(serial, id);
      acknowledged.add(id);
    }
  }

  async function sendUntilAcknowledged(serial: number, id: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let attempt = serial; Date.now() < deadline; attempt++) {
      const url = options.urls[attempt % options.urls.length] ?? "";
      const outcome = await post(url, options.key, crashForm(serial, id, options.bugs));
      if (outcome === "200") return;
      if (/^\d/.test(outcome)) refusals.push(outcome);
      await sleep(PAUSE_MS);
    }
    throw new Error(`crash ${id} got no 200 within ${PATIENCE_MS} ms`);
  }

  const done = Promise.all(Array.from({ length: CLIENTS }, client)).then(() => undefined);
  done.catch(() => undefined); // awaited by the test, later
  return {
    acknowledged,
    refusals,
    done,
    async reached(count) {
      while (acknowledged.size < count) await Promise.race([sleep(10), done]);
    },
  };
}

function crashForm(serial: number, id: string, bugs: number): FormData {
  const bug = serial % bugs;
  const form = new FormData();
  const host = `host-${serial % 5}`;
  form.set("metadata", JSON.stringify({ id, release: "1.0", environment: "test", host }));
  form.set("faulthandler", new Blob([dumpText(bug, serial)], { type: "text/plain" }), "stderr.txt");
  return form;
}

/** The answer's status, or what became of the connection. */
async function post(url: string, key: string, body: FormData): Promise<string> {
  try {
    const answer = await fetch(`${url}/api/v1/crashes`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    await answer.arrayBuffer();
    return String(answer.status);
  } catch (error) {
    return error instanceof Error ? error.name : "failed";
  }
}
