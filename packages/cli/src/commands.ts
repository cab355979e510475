/** Every command of `faultline`, in the order `--help` lists them. A command's code is loaded only when it runs. */

export interface CommandModule {
  /** Gets what follows the command's name; answers with the exit code. */
  readonly run: (args: string[]) => Promise<number>;
}

export interface Command {
  readonly help: string;
  readonly load: () => Promise<CommandModule>;
  /** A server lives on when nobody reads its output any more; any other command ends. */
  readonly server?: true;
}

export const commands: Readonly<Record<string, Command>> = {
  start: {
    help: "run everything in one process, with its own Postgres",
    load: () => import("./commands/start.ts"),
    server: true,
  },
  ingest: {
    help: "run the HTTP service",
    load: () => import("./commands/ingest.ts"),
    server: true,
  },
  symbolicator: {
    help: "run the worker",
    load: () => import("./commands/symbolicator.ts"),
    server: true,
  },
  migrate: {
    help: "bring the database's tables up to date",
    load: () => import("./commands/migrate.ts"),
  },
  project: {
    help: "list and create projects and their ingest keys",
    load: () => import("./commands/project.ts"),
  },
  token: {
    help: "list, create and revoke API tokens",
    load: () => import("./commands/token.ts"),
  },
  parse: {
    help: "faulthandler text to JSON",
    load: () => import("./commands/parse.ts"),
  },
  pyc: {
    help: ".pyc files to JSON, one object a line",
    load: () => import("./commands/pyc.ts"),
  },
  symbolize: {
    help: "addresses of an object to functions, files and lines",
    load: () => import("./commands/symbolize.ts"),
  },
  stackwalk: {
    help: "a minidump to a report",
    load: () => import("./commands/stackwalk.ts"),
  },
  cache: {
    help: "build the symbol cache of an object",
    load: () => import("./commands/cache.ts"),
  },
  group: {
    help: "reports on stdin to their groups, one JSON line each",
    load: () => import("./commands/group.ts"),
  },
};
