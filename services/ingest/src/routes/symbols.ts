/** POST /api/v1/symbols: compiled Python files and sources of a release, and native symbol files. */
import {
  MAX_NAME_CHARS,
  MAX_SYMBOL_FILES,
  MAX_SYMBOL_UPLOAD_BYTES,
  MAX_UNPACKED_BYTES,
  type Pool,
  type Project,
} from "@faultline/shared";
import type { FastifyRequest } from "fastify";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import type { Caller } from "../auth/guard.ts";
import { readMultipart, type Part } from "../body/multipart.ts";
import { peek } from "../body/peek.ts";
import { parseParameters } from "../body/part-head.ts";
import { bodyOf } from "../body/source.ts";
import { storable } from "../crash/storable.ts";
import { MAX_ARCHIVES_AT_ONCE, MAX_FIELD_BYTES, UPLOAD_IDLE_TIMEOUT_MS } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { projectFor } from "../project-scope.ts";
import { multipartBody, takeRawBodies } from "../raw-bodies.ts";
import { Name, problems, Slug, tokenProblems, tokenWith } from "../schemas/common.ts";
import { UploadSchema } from "../schemas/symbols.ts";
import { readMemberName } from "../symbols/member-name.ts";
import { isNative, NATIVE_HEAD_BYTES } from "../symbols/native-draft.ts";
import { newBudget, unpack, type Budget } from "../symbols/unpack.ts";
import { Upload, type Home } from "../symbols/upload.ts";
import { openUploadFolder, type UploadFolder } from "../symbols/upload-folder.ts";
import { Turns } from "../turns.ts";

const schema = {
  operationId: "uploadSymbols",
  summary: "Upload compiled Python files and sources of a release, and native symbols",
  description: `Every part with a file name is a file: .pyc, .py, ELF, Breakpad .sym, or an archive of them (.zip, .whl, .tar, .tar.gz, .tar.zst).
Paths of Python files are those inside the archive, or the part's file name; \`app/__pycache__/jobs.cpython-312.pyc\` answers for \`app/jobs.py\`. They belong to a release.
Native files are told by their first bytes, whatever their name, need no release, and are found by their build id: objects, debug files, dwz's supplementary files,
.dwo and .dwp, in any order; each that arrives completes what it can, for every project of the server. \`/api/v1/symbols/native\` tells how far that is.
Answers 200 with what became of every file; files once accepted stay, even when the upload ends early.`,
  tags: ["symbols"],
  security: tokenWith("symbols"),
  querystring: Type.Object({
    release: Type.Optional(
      Type.String({
        ...Name,
        description: "Of Python files; or as a field before the files.",
      }),
    ),
    project: Type.Optional(Slug),
  }),
  response: {
    200: UploadSchema,
    ...problems(
      "bad-request",
      "bad-body",
      "no-release",
      "no-project",
      "not-found",
      "too-large",
      "unsupported-media-type",
      "unsupported-encoding",
      ...tokenProblems,
    ),
  },
};

const formBody = multipartBody(
  {
    release:
      "Name of the release that Python files belong to, unless the query has it; before the files.",
    file: "A file; any number, any part name.",
  },
  "",
);

const bodyLimit = { name: "MAX_UNPACKED_BYTES", bytes: MAX_UNPACKED_BYTES };

export const symbolRoutes: RoutePlugin<RouteDeps> = async (app, deps) => {
  const { db, guard } = deps;
  const archives = new Turns(MAX_ARCHIVES_AT_ONCE);
  takeRawBodies(app);
  app.post(
    "/api/v1/symbols",
    { schema, config: { body: formBody }, onRequest: guard.allow("symbols") },
    async (request, reply) => {
      const project = await projectOrNot(db, guard.caller(request), request.query.project);
      reply.raw.setTimeout(UPLOAD_IDLE_TIMEOUT_MS);
      const folder = await openUploadFolder(deps.uploads);
      try {
        const parts = readMultipart(bodyOf(request.raw, bodyLimit), formParameters(request));
        return await receive(parts, { ...deps, project, folder, archives }, request.query.release);
      } finally {
        await folder.remove();
      }
    },
  );
};

interface Receiving extends RouteDeps {
  /** Or why the request does not tell it: only Python files need to know. */
  readonly project: Project | Problem;
  readonly folder: UploadFolder;
  readonly archives: Turns;
}

async function projectOrNot(
  db: Pool,
  caller: Caller,
  slug: string | undefined,
): Promise<Project | Problem> {
  try {
    return await projectFor(db, caller, slug);
  } catch (error) {
    if (error instanceof Problem && error.code === "no-project") return error;
    throw error;
  }
}

function homeOf(project: Project | Problem, release: string | null): Home | Problem {
  if (project instanceof Problem) return project;
  return release === null ? noRelease() : { projectId: project.id, release };
}

async function receive(parts: AsyncIterable<Part>, deps: Receiving, fromQuery: string | undefined) {
  const budget = newBudget();
  let release = fromQuery === undefined ? null : releaseName(fromQuery);
  let home: Home | Problem | null = null;
  let upload: Upload | null = null;
  let count = 0;
  for await (const part of parts) {
    if (++count > MAX_SYMBOL_FILES)
      throw tooLarge("parts of the body", "MAX_SYMBOL_FILES", MAX_SYMBOL_FILES);
    if (part.filename === null) {
      if (part.name === "release") release ??= releaseName(await fieldOf(part));
      continue;
    }
    home ??= homeOf(deps.project, release);
    upload ??= new Upload({ ...deps, home });
    await receiveFile(part, part.filename, upload, budget, deps);
  }
  if (upload === null) {
    throw new Problem("no-file", `parts of the body: found ${count}, none with a file name`);
  }
  const { wantsHome, ...answer } = await upload.finish();
  for (const status of ["accepted", "duplicate", "refused"] as const) {
    deps.metrics.symbolFiles.inc({ status }, answer[status]);
  }
  if (wantsHome && home instanceof Problem) throw home;
  return { release, ...answer, files: [...answer.files] };
}

async function receiveFile(
  part: Part,
  filename: string,
  upload: Upload,
  budget: Budget,
  { folder, archives }: Receiving,
): Promise<void> {
  const { head, body } = await peek(bounded(part.body, filename), NATIVE_HEAD_BYTES);
  const { use } = readMemberName(filename);
  if (isNative(head) && (use === "nothing" || use === "archive"))
    return await upload.native(filename, body);
  const file = await folder.receive(body);
  try {
    await archives.run(() => unpack(filename, file, folder, upload, budget));
  } finally {
    await file.discard();
  }
}

async function* bounded(body: AsyncIterable<Buffer>, filename: string): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_SYMBOL_UPLOAD_BYTES) {
      throw tooLarge(
        `file ${JSON.stringify(filename.slice(0, 200))}`,
        "MAX_SYMBOL_UPLOAD_BYTES",
        MAX_SYMBOL_UPLOAD_BYTES,
      );
    }
    yield chunk;
  }
}

const noRelease = (): Problem =>
  new Problem(
    "no-release",
    "Python files: wanted ?release= or field release before the first file, found neither",
  );

function releaseName(text: string): string {
  const name = storable(text);
  if (name.trim() === "" || name.length > MAX_NAME_CHARS) {
    throw new Problem(
      "no-release",
      `release: wanted 1 to ${MAX_NAME_CHARS} characters (MAX_NAME_CHARS), found ${name.length}`,
    );
  }
  return name;
}

async function fieldOf(part: Part): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of part.body) {
    size += chunk.length;
    if (size > MAX_FIELD_BYTES)
      throw tooLarge(`field ${part.name}`, "MAX_FIELD_BYTES", MAX_FIELD_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function formParameters(request: FastifyRequest): ReadonlyMap<string, string> {
  const type = parseParameters(request.headers["content-type"] ?? "");
  if (type.value !== "multipart/form-data") {
    throw new Problem(
      "unsupported-media-type",
      `Content-Type: wanted multipart/form-data, found ${type.value.slice(0, 100) || "none"}`,
      {
        todo: "Send the files as a form: curl -F release=1.0 -F file=@app.whl",
      },
    );
  }
  return type.parameters;
}
