/**
 * The `faultline` command: finds the command, loads nothing else, and turns its end into an exit code:
 * 0 answered, 1 refused or failed, 2 wrong usage.
 */
import { readFileSync } from "node:fs";
import { closest } from "./closest.ts";
import { type Command, commands } from "./commands.ts";
import { CliError } from "./error.ts";

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined) {
    process.stderr.write(help());
    return 2;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    endWithReader(false);
    process.stdout.write(help());
    return 0;
  }
  if (name === "--version") {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return command === undefined ? unknown(name) : await runCommand(name, command, args);
}

async function runCommand(name: string, command: Command, args: string[]): Promise<number> {
  endWithReader(command.server ?? false);
  try {
    const { run } = await command.load();
    return await run(args);
  } catch (error) {
    process.stderr.write(
      `faultline ${name}: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return isUsageError(error) ? 2 : 1;
  }
}

/** Ours, and what util.parseArgs throws for options it does not know. */
function isUsageError(error: unknown): boolean {
  if (error instanceof CliError) return error.code === "usage";
  const code = error instanceof Error && "code" in error ? error.code : "";
  return typeof code === "string" && code.startsWith("ERR_PARSE_ARGS_");
}

function unknown(name: string): number {
  const near = closest(name, Object.keys(commands));
  const hint =
    near.length > 0 ? `did you mean ${near.join(" or ")}?` : "faultline --help lists them all.";
  process.stderr.write(`faultline: there is no command ${JSON.stringify(name)}; ${hint}\n`);
  return 2;
}

/** `faultline pyc … | head` closes our stdout: nobody wants the rest, which is no error. */
function endWithReader(server: boolean): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (!server) process.exit(0);
  });
}

function help(): string {
  const rows = Object.entries(commands).map(
    ([name, { help: text }]) => `  ${name.padEnd(14)}${text}\n`,
  );
  return `usage: faultline COMMAND [ARGUMENT…]\n\n${rows.join("")}\nfaultline COMMAND --help tells its arguments.\n`;
}

function version(): string {
  const manifest = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as { version: string };
  return manifest.version;
}
