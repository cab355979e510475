/** Modules that die while they are imported; whoever imports them first is on the stack. */
import type { Dice } from "../world/dice.ts";
import { drawFree, frequent, hash, weighted } from "./chance.ts";
import { type Fleet, usersOf } from "./fleet.ts";
import { frameworks } from "./frameworks.ts";
import { libcOf, type Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import { type NativeObject, pickObject } from "./objects.ts";
import { odds, type Service } from "./probabilities.ts";
import { type Func, servicesOfAll, wayTo } from "./program.ts";
import { listed, type Listed } from "./program-text.ts";
import { fileIn } from "./releases.ts";
import { type Bug, died, kindOn, type PythonSegment, type Segment } from "./scene.ts";
import { baseOf, python, SITES } from "./stack.ts";
import { abortFrames } from "./system-frames.ts";

/** Loaded by their callers, not imported. */
const neverImported: ReadonlySet<string> = new Set(["hsm", "cam", "blas"]);

/** In its init, in a constructor of C++, in the loader, in its exec slot. */
type Where = keyof typeof odds.importDies;

export function importDeath(roll: Dice, fleet: Fleet, id: number): Bug {
  const { imports } = fleet.taken;
  const object = drawFree(
    30,
    () => pickObject(roll, fleet.objects, ({ key }) => !neverImported.has(key)),
    (drawn) => imports.has(drawn),
  );
  imports.add(object);
  const drawn = weighted(roll, odds.importDies);
  const where = object.isLibrary === true ? "ctor" : drawn;
  const users = usersOf(fleet, object);
  const importers = roll.some(3, users);
  const fault = weighted(roll, odds.importFault);
  const guilty = native(object.key, roll.pick([...object.leaves, ...object.middles]), 5);
  const called = where === "init" && hash(id) % 2 === 0 ? [] : [guilty];
  const aborts = fault === "SIGABRT";
  const message = `terminate called after throwing an instance of 'std::runtime_error'\n  what():  ${moduleName(object)}: registry already initialised`;
  return {
    services: servicesOfAll(users.slice(0, 3)),
    happen: (now, moment) => {
      const { service, release } = moment;
      const importer = frequent(now, importers, odds.skew.importers);
      if (!importer.services.includes(service)) return null;
      const way = wayTo(now, importer, service);
      // Nothing reads it, but all later draws of a seed depend on its having been drawn.
      now.next();
      const segments: Segment[] = [
        ...boot(service),
        ...filesOf(way).flatMap((file) => importOf(fileIn(file, release), hash(file, "imp") % 12)),
        ...importOf(`SP/${packageOf(object)}/__init__.py`, hash(packageOf(object)) % 12),
        ...loading(drawn),
        {
          frames: [
            ...(aborts ? terminated(moment) : []),
            ...dyingIn(moment, object, where, called),
          ],
          convention: "fast",
        },
      ];
      const base = baseOf(service);
      return died({ segments, base: base === "module" ? base : "main" }, kindOn(moment, fault), {
        message: aborts ? message : null,
      });
    },
  };
}

/** What runs while a service starts: the beginning of its framework, and what imports the program. */
const startup: Readonly<Partial<Record<Service, readonly Listed[]>>> = {
  web: listed(`
SP/gunicorn/app/base.py: wsgi
SP/gunicorn/util.py: import_app
LIB/importlib/__init__.py: import_module
<frozen importlib._bootstrap>: _gcd_import
`),
  celery: listed(`
SP/celery/app/base.py: loader
SP/celery/loaders/base.py: import_module
LIB/importlib/__init__.py: import_module
<frozen importlib._bootstrap>: _gcd_import
`),
  pytest: listed(`
SP/_pytest/python.py: _importtestmodule
SP/_pytest/pathlib.py: import_path
LIB/importlib/__init__.py: import_module
`),
};
const startupFrames: Readonly<Partial<Record<Service, number>>> = { web: 9, celery: 6 };

const boot = (service: Service): readonly Segment[] =>
  [...frameworks[service].slice(0, startupFrames[service] ?? 4), ...(startup[service] ?? [])].map(
    ({ file, name }) => ({ ...python(file, name), site: hash(file, name) % SITES }),
  );

/** The files on a way of calls, each once in a row: importing the first imports the last. */
const filesOf = (way: readonly Func[]): readonly string[] =>
  way
    .map(({ file }) => file)
    .filter((file) => file !== "CELL")
    .filter((file, index, files) => file !== files[index - 1]);

const importlib = "<frozen importlib._bootstrap>";
const external = "<frozen importlib._bootstrap_external>";

const importing = (file: string, name: string): PythonSegment => ({
  ...python(file, name, name === "_find_and_load" ? "import" : null),
  site: hash(file, name) % 3,
});

const found: readonly Segment[] = [
  importing(importlib, "_find_and_load"),
  importing(importlib, "_find_and_load_unlocked"),
  importing(importlib, "_load_unlocked"),
];

const importOf = (file: string, site: number): readonly Segment[] => [
  ...found,
  importing(external, "exec_module"),
  importing(importlib, "_call_with_frames_removed"),
  { ...python(file, "<module>", "exec"), site },
];

const loading = (where: Where): readonly Segment[] => [
  ...found,
  ...(where === "exec"
    ? [importing(external, "exec_module")]
    : [importing(importlib, "module_from_spec"), importing(external, "create_module")]),
  importing(importlib, "_call_with_frames_removed"),
];

/**
 * The package whose `__init__` imports the object: that of its path. psycopg's is called lxml as
 * well, a slip of the first version; all figures since depend on it.
 */
const packageOf = ({ path, wrapper }: NativeObject): string =>
  wrapper?.file.startsWith("harbor/") === true
    ? "lxml"
    : path.slice(0, path.indexOf("/")).replace(".libs", "");

const moduleName = ({ path }: NativeObject): string =>
  path.slice(path.lastIndexOf("/") + 1).replace(/[.-].*/, "");

const terminated = (moment: Moment): readonly NativeFrame[] => [
  ...abortFrames(moment),
  ...(moment.system === "win"
    ? []
    : [
        native("libstdcxx", "__gnu_cxx::__verbose_terminate_handler()"),
        native("libstdcxx", "std::terminate()"),
      ]),
];

const dynamicImport = [
  "_PyImport_LoadDynamicModuleWithSpec",
  "_imp_create_dynamic_impl",
  "_imp_create_dynamic",
].map(py);

function dyingIn(
  moment: Moment,
  object: NativeObject,
  where: Where,
  called: readonly NativeFrame[],
): readonly NativeFrame[] {
  const { key, binding, sources } = object;
  const name = moduleName(object);
  switch (where) {
    case "init":
      return [...called, native(key, `PyInit_${name}`, 9), ...dynamicImport];
    case "exec": {
      const slot = binding === "cython" ? `__pyx_pymod_exec_${name}` : "module_exec";
      const interpreter = ["PyModule_ExecDef", "_imp_exec_dynamic"].map(py);
      return [...called, native(key, slot, 9), ...interpreter];
    }
    case "ctor": {
      const source = sources[0]?.split("/").at(-1);
      const constructor = native(key, `_GLOBAL__sub_I_${source}`, 9);
      return [
        ...called,
        constructor,
        ...constructing(moment),
        ...opening(moment),
        ...dynamicImport,
      ];
    }
    case "dlopen":
      return [native("ld", "_dl_relocate_object"), ...opening(moment), ...dynamicImport];
  }
}

const constructing = (moment: Moment): readonly NativeFrame[] =>
  libcOf(moment) === "glibc" ? [native("ld", "call_init"), native("ld", "_dl_init")] : [];

/** From the loader to the interpreter. */
function opening(moment: Moment): readonly NativeFrame[] {
  const loaded = py("_PyImport_FindSharedFuncptr");
  switch (libcOf(moment)) {
    case "win":
      return [
        native("ntdll", "LdrpCallInitRoutine"),
        native("ntdll", "LdrpInitializeNode"),
        native("ntdll", "LdrLoadDll"),
        native("kbase", "LoadLibraryExW"),
        loaded,
      ];
    case "musl":
      return [native("ld", "do_init_fini"), native("ld", "dlopen"), loaded];
    case "glibc":
      return [
        native("ld", "dl_open_worker"),
        native("libc", "_dl_catch_exception"),
        native("ld", "_dl_open"),
        native("libc", "dlopen_doit"),
        native("libc", "__dlopen"),
        loaded,
      ];
  }
}
