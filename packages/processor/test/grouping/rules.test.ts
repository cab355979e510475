/** Every entry of every list does what the list is for. */
import { expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import { kindOf } from "../../src/grouping/kind.ts";
import { readCrash } from "../../src/grouping/input.ts";
import { nativeObject } from "../../src/grouping/native-object.ts";
import { locate } from "../../src/grouping/python-location.ts";
import {
  deployDirectoryNames,
  deployDirectoryShapes,
  projectRoots,
} from "../../src/grouping/rules/deploy-directories.ts";
import {
  entryNames,
  helperNames,
  versionDependentNames,
} from "../../src/grouping/rules/helper-names.ts";
import {
  abortCauses,
  causeOfMessage,
  type KindRule,
  kindRules,
  keyedMessages,
} from "../../src/grouping/rules/kinds.ts";
import {
  importModules,
  plumbingPackages,
  plumbingStdlib,
} from "../../src/grouping/rules/plumbing-modules.ts";
import { runtimeNames } from "../../src/grouping/rules/runtime-objects.ts";
import { mechanismObjects, stdlibExtensions } from "../../src/grouping/rules/stdlib-extensions.ts";
import { stdlibModules } from "../../src/grouping/rules/stdlib-modules.ts";
import { waitFunctions } from "../../src/grouping/rules/wait-functions.ts";
import {
  anonymousNames,
  wrapperFiles,
  wrapperNamePattern,
  wrapperNames,
  wrapperPackages,
} from "../../src/grouping/rules/wrapper-names.ts";
import { app, at, crash, type FrameFields, installed, native, stdlib } from "./stacks.ts";

const roleOf = (frame: FrameFields) => groupReport(crash([frame])).frames[0]?.role;
const moduleOf = (path: string) => locate(path, null).module;
/** The entries for which a rule does not hold: none, in every test. */
const except = <T>(entries: Iterable<T>, holds: (entry: T) => boolean) =>
  [...entries].filter((entry) => !holds(entry));

test("plumbing modules of the standard library, and all below them, are plumbing", () => {
  const isPlumbing = (module: string) =>
    roleOf(stdlib(`${module}.py`, "anything")) === "plumbing" &&
    roleOf(stdlib(`${module}/inner.py`, "anything")) === "plumbing" &&
    stdlibModules.has(module);
  expect(except(plumbingStdlib, isPlumbing)).toEqual([]);
});

test("a program's own module of such a name is its code", () => {
  expect(except(plumbingStdlib, (name) => roleOf(app(`${name}.py`, "f")) === "app")).toEqual([]);
});

test("frozen modules are plumbing", () => {
  expect(roleOf(at("<frozen posixpath>", "join"))).toBe("plumbing");
});

test("plumbing packages are plumbing where they are installed", () => {
  const isPlumbing = (name: string) => roleOf(installed(`${name}/hub.py`, "run")) === "plumbing";
  expect(except(plumbingPackages, isPlumbing)).toEqual([]);
});

test("import modules are plumbing", () => {
  expect(except(importModules, (name) => plumbingStdlib.has(name))).toEqual([]);
});

test("wait functions are waits, other functions of their modules are not", () => {
  const role = (module: string, name: string) =>
    roleOf(stdlib(`${module.replaceAll(".", "/")}.py`, name));
  const waits = ([module, names]: readonly [string, ReadonlySet<string> | "*"]) =>
    names === "*"
      ? role(module, "anything") === "wait"
      : [...names].every((name) => role(module, name) === "wait") &&
        role(module, "anything") !== "wait";
  expect(except(waitFunctions, waits)).toEqual([]);
});

test("modules of the standard library are known by name alone", () => {
  expect(except(stdlibModules, (name) => locate(null, name).origin === "stdlib")).toEqual([]);
});

test("wrappers are wrappers, with underscores before them and in any case", () => {
  const role = (name: string) => roleOf(app("media/thumbs.py", name));
  expect(except(wrapperNames, (name) => role(name) === "wrapper")).toEqual([]);
  expect(except(anonymousNames, (name) => role(name) === "wrapper")).toEqual([]);
  expect([role("_wrapper"), role("Wrapper")]).toEqual(["wrapper", "wrapper"]);
});

test.each([
  "with_retry",
  "call_with_timeout",
  "run_in_transaction",
  "timing_wrapper",
  "cache_decorator",
  "wrapped_view",
])("%s has a wrapper's name", (name) => expect(name).toMatch(wrapperNamePattern));

test.each([
  "wrap_text",
  "retry_failed_jobs",
  "runner",
  "within",
  "withdraw",
  "decorate_tree",
  "call_home",
])("%s has not", (name) => expect(roleOf(app("media/thumbs.py", name))).toBe("app"));

test("wrapper packages and files are wrappers", () => {
  const inPackage = (name: string) => roleOf(installed(`${name}.py`, "call")) === "wrapper";
  expect(except(wrapperPackages, inPackage)).toEqual([]);
  expect(except(wrapperFiles, (file) => roleOf(at(file, "call")) === "wrapper")).toEqual([]);
  expect(roleOf(at("<decorator-gen-112>", "call"))).toBe("wrapper");
});

test("helpers, entries and frames of some versions only", () => {
  const role = (name: string) => roleOf(app("a/b.py", name));
  expect(except(helperNames, (name) => role(name) === "helper")).toEqual([]);
  expect(except(entryNames, (name) => role(name) === "entry")).toEqual([]);
  expect(except(versionDependentNames, (name) => role(name) === "comprehension")).toEqual([]);
  expect(role("<generic parameters of Stack>")).toBe("comprehension");
});

test("no name is in two lists", () => {
  const lists = [helperNames, entryNames, versionDependentNames, wrapperNames, anonymousNames];
  const names = lists.flatMap((list) => [...list]);
  expect(names).toHaveLength(new Set(names).size);
  expect(names.filter((name) => wrapperNamePattern.test(name))).toEqual([]);
});

const hashes = ["e50bcb4", "v1_4_2", "release_12", "build7", "tmpk2j3h4_x"];
const noIdentifiers = ["2026", "shop-1.4.2", "my app", "1.0"];

test("a deploy directory ends a module's name", () => {
  const names = [...deployDirectoryNames, ...hashes, ...noIdentifiers];
  expect(except(names, (name) => moduleOf(`/x/y/z/${name}/worker.py`) === "worker")).toEqual([]);
});

test("every shape of a deploy directory has an example above", () => {
  const shown = (shape: RegExp) => hashes.some((name) => shape.test(name));
  expect(except(deployDirectoryShapes, shown)).toEqual([]);
});

test("a project's root ends a module's name, whatever it is called", () => {
  const ends = (root: string) => {
    const folder = root.replaceAll("*", "crawler");
    return (
      moduleOf(`/${folder}/worker.py`) === "worker" &&
      moduleOf(`/${folder}/media/thumbs.py`) === "media.thumbs"
    );
  };
  expect(except(projectRoots, ends)).toEqual([]);
});

test("every name of a kind is found under every spelling", () => {
  const groupOf = (reason: string) => kindOf(readCrash({ kind: "signal", reason })).refined;
  const found = ([name, { group }]: readonly [string, KindRule]) =>
    [name, name.toUpperCase().replaceAll(" ", "_"), name.replaceAll(" ", "-")].every(
      (reason) => groupOf(reason) === group,
    );
  expect(except(kindRules, found)).toEqual([]);
});

test.each([
  ["*** Fatal Python error: Cannot recover from stack overflow.", "stack-overflow"],
  ["thread 'main' has overflowed its stack", "stack-overflow"],
  ["maximum recursion depth exceeded", "stack-overflow"],
  ["prog: thumbs.c:41: make: Assertion `size > 0' failed.", "assert"],
  ["Assertion failed: (size > 0), function make, file thumbs.c, line 41.", "assert"],
  ["terminate called after throwing an instance of 'std::bad_alloc'", "terminate"],
  ["libc++abi: terminating due to uncaught exception of type E", "terminate"],
  ["thread '<unnamed>' panicked at src/lib.rs:10:5: index out of bounds", "rust-panic"],
  ["free(): invalid pointer", "heap-corruption"],
  ["double free or corruption (fasttop)", "heap-corruption"],
  ["corrupted size vs. prev_size", "heap-corruption"],
  ["malloc(): unaligned tcache chunk detected", "heap-corruption"],
  ["munmap_chunk(): invalid pointer", "heap-corruption"],
  ["bad trailing pad byte", "heap-corruption"],
])("an abort that says %j is %s", (message, group) => {
  expect(kindOf(readCrash({ kind: "signal", reason: "SIGABRT", message })).refined).toBe(group);
  expect(causeOfMessage.filter(([pattern]) => pattern.test(message))).toHaveLength(1);
});

test("objects of the system and of Python name no crash that has another object", () => {
  const passedOver = (object: string) => {
    const stack = [native(`${object}.so`, "f"), native("cv2.so", "resize")];
    return (
      groupReport(crash(stack)).frames[0]?.role !== "native" &&
      nativeObject(`${object}.so`).origin === "runtime"
    );
  };
  expect(except(runtimeNames, passedOver)).toEqual([]);
  expect(except(stdlibExtensions, passedOver)).toEqual([]);
  expect(except(mechanismObjects, (name) => nativeObject(`${name}.so`).mechanism)).toEqual([]);
});

test("causes of an abort, and those among them with a message in their key, are kinds", () => {
  const groups = new Set([...kindRules.values()].map(({ group }) => group));
  expect(except(abortCauses, (group) => groups.has(group))).toEqual([]);
  expect(except(keyedMessages, (group) => abortCauses.has(group))).toEqual([]);
});
