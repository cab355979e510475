/** GET /api/v1/symbols/native, /symbols/native/:debugId, /symbols/files: native modules, and the files they are built of. */
import {
  DEFAULT_PAGE_ROWS,
  findNativeCaches,
  listNativeCaches,
  listNativeFiles,
  MAX_PAGE_ROWS,
  type NativeCache,
  type NativeFile,
  type Pool,
} from "@faultline/shared";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { baseUrl } from "../base-url.ts";
import { decodeRowCursor, encodeRowCursor, nextLink } from "../cursor.ts";
import { Problem } from "../problem.ts";
import { nextCursor, pageQuery, problems, tokenProblems, tokenWith } from "../schemas/common.ts";
import {
  BuildId,
  DebugId,
  fileView,
  moduleView,
  NativeFileSchema,
  NativeModuleSchema,
  NativeState,
} from "../schemas/native-symbols.ts";

const common = { tags: ["symbols"], security: tokenWith("symbols") };
const errors = problems("bad-request", ...tokenProblems);
const ids = { buildId: Type.Optional(BuildId), debugId: Type.Optional(DebugId) };
const everybodys = "Native symbols belong to the server, so a token of any project sees them all.";

const schemas = {
  list: {
    ...common,
    operationId: "listNativeModules",
    summary: "List native modules: their caches, how far a build is, what is missing",
    description: `Newest first. ${everybodys}`,
    querystring: Type.Object({ ...ids, state: Type.Optional(NativeState), ...pageQuery }),
    response: {
      200: Type.Object({ modules: Type.Array(NativeModuleSchema), ...nextCursor }),
      ...errors,
    },
  },
  read: {
    ...common,
    operationId: "readNativeModule",
    summary: "Read a native module: its cache, and every file that was uploaded of it",
    params: Type.Object({ debugId: DebugId }),
    response: {
      200: Type.Object({
        module: NativeModuleSchema,
        files: Type.Array(NativeFileSchema, {
          description: `Used or not; at most ${MAX_PAGE_ROWS} of each.`,
        }),
      }),
      ...problems("bad-request", "not-found", ...tokenProblems),
    },
  },
  files: {
    ...common,
    operationId: "listNativeFiles",
    summary: "List native symbol files",
    description: `Newest first. ${everybodys}`,
    querystring: Type.Object({
      sha256: Type.Optional(Type.String({ pattern: "^[0-9a-fA-F]{64}$" })),
      ...ids,
      state: Type.Optional(Type.Enum(["stored", "ready", "refused"])),
      ...pageQuery,
    }),
    response: {
      200: Type.Object({ files: Type.Array(NativeFileSchema), ...nextCursor }),
      ...errors,
    },
  },
};

export const nativeSymbolRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const onRequest = guard.allow("symbols");

  app.get("/api/v1/symbols/native", { schema: schemas.list, onRequest }, async (request, reply) => {
    const { buildId, debugId, state, cursor, limit = DEFAULT_PAGE_ROWS } = request.query;
    const filter = {
      buildId: buildId?.toLowerCase() ?? null,
      debugId: debugId?.toUpperCase() ?? null,
      state: state ?? null,
    };
    const after = cursor === undefined ? null : decodeRowCursor("native", cursor);
    const found = await listNativeCaches(db, filter, after, limit + 1);
    const next = nextOf("native", found, limit);
    if (next !== null)
      void reply.header("link", nextLink(baseUrl(deps.url, request), request.url, next));
    return { modules: found.slice(0, limit).map(moduleView), next };
  });

  app.get(
    "/api/v1/symbols/native/:debugId",
    { schema: schemas.read, onRequest },
    async (request) => {
      const debugId = request.params.debugId.toUpperCase();
      const [cache] = await findNativeCaches(db, [debugId], []);
      if (cache === undefined) throw new Problem("not-found", `native module ${debugId}`);
      const files = await filesOf(db, cache);
      return { module: moduleView(cache), files: files.map(fileView) };
    },
  );

  app.get("/api/v1/symbols/files", { schema: schemas.files, onRequest }, async (request, reply) => {
    const { sha256, buildId, debugId, state, cursor, limit = DEFAULT_PAGE_ROWS } = request.query;
    const filter = {
      sha256s: sha256 === undefined ? null : [sha256.toLowerCase()],
      buildIds: buildId === undefined ? null : [buildId.toLowerCase()],
      debugIds: debugId === undefined ? null : [debugId.toUpperCase()],
      state: state ?? null,
    };
    const after = cursor === undefined ? null : decodeRowCursor("native-file", cursor);
    const found = await listNativeFiles(db, filter, after, limit + 1);
    const next = nextOf("native-file", found, limit);
    if (next !== null)
      void reply.header("link", nextLink(baseUrl(deps.url, request), request.url, next));
    return { files: found.slice(0, limit).map(fileView), next };
  });
};

/** `found`: one row more than the page holds when there is a next one. */
function nextOf(
  of: string,
  found: readonly { readonly id: number }[],
  limit: number,
): string | null {
  const last = found[limit - 1];
  return found.length > limit && last !== undefined ? encodeRowCursor(of, last.id) : null;
}

/** Files of the module's own, and the companions of other names that it was built of. */
async function filesOf(db: Pool, { debugId, files }: NativeCache): Promise<readonly NativeFile[]> {
  const any = { sha256s: null, buildIds: null, debugIds: null, state: null };
  const own = await listNativeFiles(db, { ...any, debugIds: [debugId] }, null, MAX_PAGE_ROWS);
  const known = new Set(own.map(({ sha256 }) => sha256));
  const others = files.map(({ sha256 }) => sha256).filter((sha256) => !known.has(sha256));
  const used = await listNativeFiles(db, { ...any, sha256s: others }, null, MAX_PAGE_ROWS);
  return [...own, ...used];
}
