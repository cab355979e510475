/** POST /api/v1/symbols/check: which files are there already. */
import { findReleaseFiles, findSymbolFiles, type SymbolStatus } from "@faultline/shared";
import { Type, type RoutePlugin, type Static } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { MAX_CHECK_BYTES } from "../limits.ts";
import { projectFor } from "../project-scope.ts";
import { problems, Slug, tokenProblems, tokenWith } from "../schemas/common.ts";
import { CheckBody, CheckSchema } from "../schemas/symbols.ts";
import { readMemberName } from "../symbols/member-name.ts";

const schema = {
  operationId: "checkSymbols",
  summary: "Ask which files a release has",
  description: "By path, of a compiled file or its source, or by SHA-256 of the content.",
  tags: ["symbols"],
  security: tokenWith("symbols"),
  querystring: Type.Object({ project: Type.Optional(Slug) }),
  body: CheckBody,
  response: {
    200: CheckSchema,
    ...problems(
      "bad-request",
      "no-project",
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
    const project = await projectFor(db, guard.caller(request), request.query.project);
    const { release, files } = request.body;
    const paths = files.flatMap((file) => ("path" in file ? sourcePath(file.path) : []));
    const hashes = files.flatMap((file) => ("sha256" in file ? file.sha256.toLowerCase() : []));
    const [byPath, byHash] = await Promise.all([
      findReleaseFiles(db, project.id, release, paths),
      findSymbolFiles(db, project.id, release, hashes),
    ]);
    const answers = files.flatMap((file) => answersFor(file, byPath, byHash));
    return {
      missing: answers.filter((answer) => answer.state === "missing").length,
      files: answers,
    };
  });
};

function sourcePath(path: string): string {
  const name = readMemberName(path);
  return name.use === "pyc" || name.use === "source" ? name.path : path;
}

function answersFor(
  file: Asked,
  byPath: ReadonlyMap<string, SymbolStatus>,
  byHash: ReadonlyMap<string, SymbolStatus>,
): readonly Answer[] {
  if ("sha256" in file)
    return [answer(null, null, file.sha256.toLowerCase(), byHash.get(file.sha256.toLowerCase()))];
  const found = (["pyc", "source"] as const).flatMap((kind) => {
    const status = byPath.get(`${kind}:${sourcePath(file.path)}`);
    return status === undefined ? [] : [answer(file.path, kind, status.sha256, status)];
  });
  return found.length > 0 ? found : [answer(file.path, null, null, undefined)];
}

const answer = (
  path: string | null,
  kind: string | null,
  sha256: string | null,
  status: SymbolStatus | undefined,
): Answer => ({
  path,
  sha256,
  kind,
  state: status?.state ?? "missing",
  error: status?.error ?? null,
});
