/** POST /api/v1/symbols/check: which files are there already. */
import {
  findNativeCaches,
  findReleaseFiles,
  findSymbolFiles,
  listNativeFiles,
  MAX_CHECK_ITEMS,
  type NativeCache,
  type NativeFile,
  type Pool,
  type SymbolStatus,
} from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { MAX_CHECK_BYTES } from "../limits.ts";
import { Problem } from "../problem.ts";
import { projectFor } from "../project-scope.ts";
import { problems, Slug, tokenProblems, tokenWith } from "../schemas/common.ts";
import { moduleView } from "../schemas/native-symbols.ts";
import { CheckBody, CheckSchema } from "../schemas/symbols.ts";
import { readMemberName } from "../symbols/member-name.ts";

const schema = {
  operationId: "checkSymbols",
  summary: "Ask which files are there, and what native modules miss",
  description: `Python files of a release by path, of a compiled file or its source, or by SHA-256 of the content.
Native files by SHA-256, and native modules by build id or debug id: those need no release.`,
  tags: ["symbols"],
  security: tokenWith("symbols"),
  querystring: Type.Object({ project: Type.Optional(Slug) }),
  body: CheckBody,
  response: {
    200: CheckSchema,
    ...problems(
      "bad-request",
      "no-project",
      "no-release",
      "not-found",
      "too-large",
      "unsupported-media-type",
      ...tokenProblems,
    ),
  },
};

type Asked = Static<typeof CheckBody>["files"][number];
type Answer = Static<typeof CheckSchema>["files"][number];

export const symbolCheckRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const options = { schema, bodyLimit: MAX_CHECK_BYTES, onRequest: guard.allow("symbols") };
  app.post("/api/v1/symbols/check", options, async (request) => {
    const { release, files } = request.body;
    const asked = askedFor(files);
    if (release === undefined && asked.paths.length > 0)
      throw new Problem(
        "no-release",
        "wanted `release` beside files asked for by path, found none",
      );
    const project =
      release === undefined
        ? null
        : await projectFor(db, guard.caller(request), request.query.project);
    const python =
      release === undefined || project === null
        ? noPython
        : await findPython(db, project.id, release, asked);
    const native = await findNative(db, asked);
    const answers = files.flatMap((file) => answersFor(file, python, native));
    return {
      missing: answers.filter((answer) => answer.state === "missing").length,
      files: answers,
    };
  });
};

/** What is asked, by kind and in the form the tables have it. */
interface AskedFor {
  readonly paths: readonly string[];
  readonly hashes: readonly string[];
  readonly buildIds: readonly string[];
  readonly debugIds: readonly string[];
}

const askedFor = (files: readonly Asked[]): AskedFor => ({
  paths: files.flatMap((file) => ("path" in file ? sourcePath(file.path) : [])),
  hashes: files.flatMap((file) => ("sha256" in file ? file.sha256.toLowerCase() : [])),
  buildIds: files.flatMap((file) => ("buildId" in file ? file.buildId.toLowerCase() : [])),
  debugIds: files.flatMap((file) => ("debugId" in file ? file.debugId.toUpperCase() : [])),
});

function sourcePath(path: string): string {
  const name = readMemberName(path);
  return name.use === "pyc" || name.use === "source" ? name.path : path;
}

interface FoundPython {
  /** "kind:path" of a release. */
  readonly byPath: ReadonlyMap<string, readonly SymbolStatus[]>;
  readonly byHash: ReadonlyMap<string, SymbolStatus>;
}

const noPython: FoundPython = { byPath: new Map(), byHash: new Map() };

async function findPython(
  db: Pool,
  projectId: number,
  release: string,
  { paths, hashes }: AskedFor,
): Promise<FoundPython> {
  const [byPath, byHash] = await Promise.all([
    findReleaseFiles(db, projectId, release, paths),
    findSymbolFiles(db, projectId, release, hashes),
  ]);
  return { byPath, byHash };
}

interface FoundNative {
  readonly modules: readonly NativeCache[];
  readonly files: readonly NativeFile[];
}

/** Supplementary files have a build id and no module, so files are looked for by build id too. */
async function findNative(
  db: Pool,
  { hashes, buildIds, debugIds }: AskedFor,
): Promise<FoundNative> {
  const any = { sha256s: null, buildIds: null, debugIds: null, state: null };
  const [modules, byHash, byBuildId] = await Promise.all([
    findNativeCaches(db, debugIds, buildIds),
    listNativeFiles(db, { ...any, sha256s: hashes }, null, MAX_CHECK_ITEMS),
    listNativeFiles(db, { ...any, buildIds }, null, MAX_CHECK_ITEMS),
  ]);
  return { modules, files: [...byHash, ...byBuildId] };
}

function answersFor(file: Asked, python: FoundPython, native: FoundNative): readonly Answer[] {
  if ("path" in file) return pathAnswers(file.path, python);
  if ("sha256" in file) return [hashAnswer(file.sha256.toLowerCase(), python, native)];
  if ("buildId" in file) {
    const buildId = file.buildId.toLowerCase();
    const module = native.modules.find((one) => one.buildId === buildId);
    if (module !== undefined) return [moduleAnswer(module)];
    const found = native.files.find((one) => one.buildId === buildId);
    return [found === undefined ? { ...nothing, buildId } : fileAnswer(found)];
  }
  const debugId = file.debugId.toUpperCase();
  const module = native.modules.find((one) => one.debugId === debugId);
  return [module === undefined ? { ...nothing, debugId } : moduleAnswer(module)];
}

function pathAnswers(path: string, { byPath }: FoundPython): readonly Answer[] {
  const found = (["pyc", "source"] as const).flatMap((kind) => {
    const statuses = byPath.get(`${kind}:${sourcePath(path)}`) ?? [];
    return statuses.map((status) => ({ ...nothing, ...status, path, kind }));
  });
  return found.length > 0 ? found : [{ ...nothing, path }];
}

function hashAnswer(sha256: string, { byHash }: FoundPython, { files }: FoundNative): Answer {
  const python = byHash.get(sha256);
  if (python !== undefined) return { ...nothing, ...python };
  const native = files.find((file) => file.sha256 === sha256);
  return native === undefined ? { ...nothing, sha256 } : fileAnswer(native);
}

const nothing: Answer = {
  path: null,
  sha256: null,
  buildId: null,
  debugId: null,
  kind: null,
  state: "missing",
  error: null,
  module: null,
};

const fileAnswer = ({ sha256, buildId, debugId, kind, state, error }: NativeFile): Answer => ({
  ...nothing,
  sha256,
  buildId,
  debugId,
  kind,
  state,
  error,
});

const moduleAnswer = (cache: NativeCache): Answer => ({
  ...nothing,
  buildId: cache.buildId,
  debugId: cache.debugId,
  kind: "module",
  state: cache.state,
  error: cache.error,
  module: moduleView(cache),
});
