/**
 * Functions of the standard library in which a thread waits. They never enter a key (one lock is
 * waited for through many of them); the title of a hang names the innermost one.
 *
 * Module to function names; `*` stands for every function of the module.
 */
export const waitFunctions: ReadonlyMap<string, ReadonlySet<string> | "*"> = new Map<
  string,
  ReadonlySet<string> | "*"
>([
  ["asyncio.base_events", "*"],
  ["asyncio.runners", "*"],
  ["asyncio.selector_events", "*"],
  ["asyncio.windows_events", "*"],
  ["concurrent.futures._base", new Set(["result", "exception", "wait", "as_completed"])],
  ["concurrent.futures.thread", new Set(["shutdown", "_worker"])],
  ["fcntl", "*"],
  ["http.client", new Set(["_read_status", "_safe_read", "readinto", "read", "readline", "peek"])],
  ["logging", new Set(["acquire", "_acquireLock", "handle"])],
  ["multiprocessing.connection", "*"],
  ["multiprocessing.managers", "*"],
  ["multiprocessing.pool", new Set(["join", "get", "wait", "next", "_handle_results"])],
  ["multiprocessing.popen_fork", new Set(["wait", "poll"])],
  ["multiprocessing.process", new Set(["join"])],
  ["multiprocessing.queues", new Set(["get", "put", "join"])],
  ["multiprocessing.synchronize", "*"],
  ["queue", new Set(["get", "put", "join"])],
  ["select", "*"],
  ["selectors", "*"],
  ["signal", "*"],
  ["socket", "*"],
  ["socketserver", new Set(["serve_forever", "get_request"])],
  ["ssl", "*"],
  [
    "subprocess",
    new Set(["wait", "_wait", "_try_wait", "communicate", "_communicate", "call", "run"]),
  ],
  [
    "threading",
    new Set(["wait", "wait_for", "acquire", "join", "_wait_for_tstate_lock", "__enter__"]),
  ],
]);
