/** POST /api/v1/symbols: compiled Python files and sources of a release. */
import {
  MAX_NAME_CHARS,
  MAX_SYMBOL_FILES,
  MAX_SYMBOL_UPLOAD_BYTES,
  MAX_UNPACKED_BYTES,
} from "@faultline/shared";
import type { FastifyRequest } from "fastify";
import { Type, type RoutePlugin } from "../schemas/build.ts";
import type { RouteDeps } from "../app.ts";
import { readMultipart, type Part } from "../body/multipart.ts";
import { parseParameters } from "../body/part-head.ts";
import { bodyOf } from "../body/source.ts";
import { storable } from "../crash/storable.ts";
import { MAX_ARCHIVES_AT_ONCE, MAX_FIELD_BYTES, UPLOAD_IDLE_TIMEOUT_MS } from "../limits.ts";
import { Problem, tooLarge } from "../problem.ts";
import { projectFor } from "../project-scope.ts";
import { multipartBody, takeRawBodies } from "../raw-bodies.ts";
import { Name, problems, Slug, tokenProblems, tokenWith } from "../schemas/common.ts";
import { UploadSchema } from "../schemas/symbols.ts";
import { newBudget, unpack, type Budget } from "../symbols/unpack.ts";
import { Upload } from "../symbols/upload.ts";
import { openUploadFolder, type UploadFolder } from "../symbols/upload-folder.ts";
import { Turns } from "../turns.ts";

const schema = {
  operationId: "uploadSymbols",
  summary: "Upload compiled Python files and sources of a release",
  description: `Every part with a file name is a file: .pyc, .py, or an archive of them (.zip, .whl, .tar, .tar.gz, .tar.zst).
Paths are those inside the archive, or the part's file name; \`app/__pycache__/jobs.cpython-312.pyc\` answers for \`app/jobs.py\`.
Answers 200 with what became of every file; files once accepted stay, even when the upload ends early. Crashes of the release are then worked out again.`,
  tags: ["symbols"],
  security: tokenWith("symbols"),
  querystring: Type.Object({
    release: Type.Optional(
      Type.String({ ...Name, description: "Or as a field before the files." }),
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

const body = multipartBody(
  {
    release: "Name of the release, unless the query has it; before the files.",
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
    { schema, config: { body }, onRequest: guard.allow("symbols") },
    async (request, reply) => {
      const project = await projectFor(db, guard.caller(request), request.query.project);
      reply.raw.setTimeout(UPLOAD_IDLE_TIMEOUT_MS);
      const folder = await openUploadFolder(deps.uploads);
      try {
        const parts = readMultipart(bodyOf(request.raw, bodyLimit), formParameters(request));
        return await receive(
          parts,
          { ...deps, projectId: project.id, folder, archives },
          request.query.release,
        );
      } finally {
        await folder.remove();
      }
    },
  );
};

interface Receiving extends RouteDeps {
  readonly projectId: number;
  readonly folder: UploadFolder;
  readonly archives: Turns;
}

async function receive(parts: AsyncIterable<Part>, deps: Receiving, fromQuery: string | undefined) {
  const budget = newBudget();
  let release = fromQuery === undefined ? null : releaseName(fromQuery);
  let upload: Upload | null = null;
  let count = 0;
  for await (const part of parts) {
    if (++count > MAX_SYMBOL_FILES)
      throw tooLarge("parts of the body", "MAX_SYMBOL_FILES", MAX_SYMBOL_FILES);
    if (part.filename === null) {
      if (part.name === "release") release ??= releaseName(await fieldOf(part));
      continue;
    }
    if (release === null) throw noRelease();
    upload ??= new Upload({ ...deps, jobs: deps.symbolJobs, release });
    await receiveFile(part, part.filename, upload, budget, deps);
  }
  if (release === null) throw noRelease();
  if (upload === null) {
    throw new Problem("no-file", `parts of the body: found ${count}, none with a file name`);
  }
  const answer = await upload.finish();
  for (const status of ["accepted", "duplicate", "refused"] as const) {
    deps.metrics.symbolFiles.inc({ status }, answer[status]);
  }
  return { release, ...answer, files: [...answer.files] };
}

async function receiveFile(
  part: Part,
  filename: string,
  upload: Upload,
  budget: Budget,
  { folder, archives }: Receiving,
): Promise<void> {
  let size = 0;
  const file = await folder.receive(part.body, (bytes) => {
    size += bytes;
    if (size > MAX_SYMBOL_UPLOAD_BYTES) {
      throw tooLarge(
        `file ${JSON.stringify(filename.slice(0, 200))}`,
        "MAX_SYMBOL_UPLOAD_BYTES",
        MAX_SYMBOL_UPLOAD_BYTES,
      );
    }
  });
  try {
    await archives.run(() => unpack(filename, file, folder, upload, budget));
  } finally {
    await file.discard();
  }
}

const noRelease = (): Problem =>
  new Problem(
    "no-release",
    "wanted ?release= or field release before the first file, found neither",
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
