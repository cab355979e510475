/**
 * The API's description as one page of HTML without scripts, made of the OpenAPI document.
 *
 * Own code because a page is all it takes: swagger-ui would keep its files and a static file server in
 * the memory of a process that is to be small.
 */
import * as shared from "@faultline/shared";
import * as own from "./limits.ts";
import { problemKinds } from "./problem.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
}

/** As much of an OpenAPI document as is shown. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export function renderDocs(document: ApiDocument): string {
  const { info, tags } = document;
  const body = [
    `<h1>${escape(info.title)} ${escape(info.version)}</h1>`,
    `<p>${prose(info.description)} The same as <a href="/api/openapi.json">OpenAPI</a>.</p>`,
    ...tags.map((tag) => section(document, tag.name, tag.description)),
    `<h2>Errors</h2>${problemTable()}`,
    `<h2>Limits</h2>${limitTable()}`,
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(info.title)}</title><style>${STYLE}</style><main>${body.join("")}</main></html>\n`;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#222;background:#fff}main{max-width:60rem;margin:auto;padding:1rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f4f4f4;padding:.6rem;overflow:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #ddd}h3{margin-top:2rem}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#262626}td,th{border-color:#444}a{color:#8ab4ff}}`;

function section(document: ApiDocument, tag: string, description: string): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags?.includes(tag))
      .map(([method, operation]) => operationHtml(method, path, operation)),
  );
  return `<h2>${escape(description)}</h2>${operations.join("")}`;
}

function operationHtml(method: string, path: string, operation: Operation): string {
  const { summary = "", description, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${escape(one.name)}</code><td>${escape(one.in)}${one.required === true ? ", needed" : ""}<td><code>${escape(shape(one.schema, ""))}</code> ${prose(one.description ?? one.schema.description ?? "")}`,
  );
  const answers = Object.entries(responses).map(
    ([status, answer]) =>
      `<tr><td>${escape(status)}<td>${prose(status.startsWith("2") ? "" : answer.description)}${contentHtml(answer.content, status)}`,
  );
  return `<h3><code>${escape(method.toUpperCase())} ${escape(path)}</code></h3><p><b>${escape(summary)}.</b> ${prose(description ?? "")} ${accessOf(operation)}</p>
${rows.length > 0 ? `<table>${rows.join("")}</table>` : ""}${contentHtml(requestBody?.content, "body")}<table>${answers.join("")}</table>`;
}

function accessOf({ security = [] }: Operation): string {
  const scopes = security.flatMap((entry) => entry["token"] ?? []);
  if (scopes.length > 0)
    return `Wants a token with scope <code>${scopes.map(escape).join(", ")}</code>.`;
  return security.length > 0 ? "Wants an ingest key." : "";
}

function contentHtml(content: Content | undefined, label: string): string {
  return Object.entries(content ?? {})
    .filter(([type]) => type !== "application/problem+json")
    .map(
      ([type, { schema }]) =>
        `<details><summary>${escape(label)}: <code>${escape(type)}</code> ${prose(schema.description ?? "")}</summary><pre>${escape(shape(schema, ""))}</pre></details>`,
    )
    .join("");
}

/** A schema as a person would write an example of it. */
function shape(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => shape(one, indent)).join(" | ");
  if (schema.items !== undefined) return `[${shape(schema.items, indent)}, …]`;
  if (schema.properties === undefined) return [schema.type ?? "any"].flat().join(" | ");
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties).map(([name, one]) => {
    const optional = schema.required?.includes(name) === true ? "" : "?";
    const about = one.description === undefined ? "" : `  // ${one.description}`;
    return `${inner}${name}${optional}: ${shape(one, inner)}${about}`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function problemTable(): string {
  const rows = Object.entries(problemKinds).map(
    ([code, { status, title, todo }]) =>
      `<tr id="problem-${code}"><td><code>${code}</code><td>${status}<td>${escape(title)}. ${prose(todo)}`,
  );
  return `<table>${rows.join("")}</table>`;
}

/** Every limit there is: the two files that hold them are all names and numbers. */
function limitTable(): string {
  const limits = Object.entries({ ...shared, ...own }).filter(
    ([name, value]) => typeof value === "number" && /^[A-Z][A-Z0-9_]+$/.test(name),
  );
  const rows = limits
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, value]) =>
        `<tr><td><code>${name}</code><td>${(value as number).toLocaleString("en")}`,
    );
  return `<table>${rows.join("")}</table>`;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (one) => escapes[one] ?? one);
/** Escaped, with `code` marked. */
const prose = (text: string): string => escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
