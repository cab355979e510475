/** Python functions of a program, of packages and of the standard library. */
import type { Dice } from "./dice.ts";

export interface PyFunc {
  readonly path: string;
  readonly name: string;
  readonly from: "app" | "package" | "library" | "frozen";
  /** Where its file lies from a release on. */
  readonly moved: { readonly release: number; readonly path: string } | null;
}

const folders =
  "billing catalog media search orders reports accounts ml ingest geo pricing mail export sync audit".split(
    " ",
  );
const files =
  "views models tasks service client pipeline thumbs invoice ranking rules loader store batch parser".split(
    " ",
  );
export const verbs =
  "load parse resize charge train index merge scan render fetch apply build encode decode split flush pack walk".split(
    " ",
  );
export const nouns =
  "image order row token model batch page tile event report cart label chunk tree node block key frame".split(
    " ",
  );
/** Names that programs give to functions which do other functions' work. */
const helperNames =
  "get_or_create execute fetch_all read_bytes post call_api as_array decode safe_call run_query".split(
    " ",
  );
const wrapperNames =
  "wrapper inner with_span timed_call guarded _traced instrument retry _wrap decorated run_in_tx checked ensure_open observed __call__".split(
    " ",
  );

export const RELEASES = 10;

export const identifier = (roll: Dice): string => `${roll.pick(verbs)}_${roll.pick(nouns)}`;

const appFile = (roll: Dice): string => `${roll.pick(folders)}/${roll.pick(files)}.py`;

/** A function of the program. One file in ten moves at some release. */
export function appFunc(roll: Dice, name = identifier(roll)): PyFunc {
  const path = appFile(roll);
  if (!roll.chance(0.1)) return { path, name, from: "app", moved: null };
  const file = path.slice(path.indexOf("/") + 1);
  const folder = path.slice(0, path.indexOf("/"));
  const to = roll.pick([
    `core/${path}`,
    `${folder}/legacy/${file}`,
    `${roll.pick(folders)}/${file}`,
  ]);
  return { path, name, from: "app", moved: { release: roll.below(RELEASES), path: to } };
}

export const appFuncs = (roll: Dice, count: number): readonly PyFunc[] =>
  Array.from({ length: count }, () => appFunc(roll));

export const helperFuncs = (roll: Dice): readonly PyFunc[] =>
  helperNames.map((name) => ({ ...appFunc(roll, name), moved: null }));

export const wrapperFunc = (roll: Dice): PyFunc => appFunc(roll, roll.pick(wrapperNames));

export const packageFunc = (pkg: string, file: string, name: string): PyFunc => ({
  path: `${pkg}/${file}.py`,
  name,
  from: "package",
  moved: null,
});

/** `threading:wait`, `multiprocessing/connection:_recv`. */
export function libraryFunc(spec: string): PyFunc {
  const [path, name] = spec.split(":");
  return { path: `${path}.py`, name: name!, from: "library", moved: null };
}
export const libraryFuncs = (specs: string): readonly PyFunc[] =>
  specs === "" ? [] : specs.split(" ").map(libraryFunc);

export const frozenFunc = (module: string, name: string): PyFunc => ({
  path: module,
  name,
  from: "frozen",
  moved: null,
});

/** What runs the program: the same functions below every request, job or command of one service. */
export interface Service {
  readonly outer: readonly PyFunc[];
  readonly thread: boolean;
}

const frameworks: readonly (readonly [string, string, string])[] = [
  ["flask", "app", "dispatch_request"],
  ["django", "core/handlers/base", "_get_response"],
  ["celery", "app/trace", "trace_task"],
  ["starlette", "routing", "app"],
  ["click", "core", "invoke"],
  ["pytest", "python", "runtest"],
];

export function serviceOf(roll: Dice): Service {
  const [pkg, file, name] = roll.pick(frameworks);
  const dispatch = appFuncs(roll, roll.below(3)).map((func) => ({ ...func, moved: null }));
  const framework = Array.from({ length: 1 + roll.below(4) }, () => packageFunc(pkg, file, name));
  return { outer: [...dispatch, ...framework], thread: roll.chance(0.5) };
}

export const threadBase = libraryFuncs(
  "threading:run threading:_bootstrap_inner threading:_bootstrap",
);
export const mainBase: readonly PyFunc[] = [
  { path: "manage.py", name: "main", from: "app", moved: null },
  { path: "manage.py", name: "<module>", from: "app", moved: null },
];
