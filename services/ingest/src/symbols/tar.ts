/**
 * Members of a tar, plain, gzipped or zstd-compressed, as they stream by.
 *
 * POSIX.1-2001 (ustar, pax), GNU long names: tar-stream's reading, which bounds its own headers. A tar cannot be
 * entered in the middle, so damage ends it.
 */
import { createReadStream } from "node:fs";
import { pipeline, type Duplex, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract, type Extract } from "tar-stream";
import { cutZstdFrames } from "../body/zstd-frames.ts";
import { ArchiveError, type Member } from "./member.ts";

export type TarCompression = "none" | "gzip" | "zstd";

const decoders: Readonly<Record<TarCompression, (() => Duplex) | null>> = {
  none: null,
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

/** A member on its way: what the iteration of an Extract yields. */
type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

/** Its types leave out the option for tars older than ustar. */
const options: { readonly allowUnknownFormat: boolean } & Parameters<typeof extract>[0] = {
  allowUnknownFormat: true,
};

/** `count` is told of every byte out of the decompressor and throws when they are too many. Throws ArchiveError. */
export async function* tarMembers(
  path: string,
  compression: TarCompression,
  count: (bytes: number) => void,
): AsyncGenerator<Member> {
  const tar = extract(options);
  const file = createReadStream(path);
  const decoder = decoders[compression]?.() ?? null;
  const input = compression === "zstd" ? cutZstdFrames(file) : file;
  const source: Readable = decoder === null ? file : pipeline(input, decoder, () => undefined);
  let failure: unknown = null;
  const fed = feed(source, tar, count).catch((error: unknown) => {
    failure = error;
    tar.destroy(error as Error);
  });
  try {
    for await (const entry of tar) {
      yield memberOf(entry);
      entry.resume(); // whatever was not read of it
    }
  } catch (error) {
    throw refusal(failure ?? error);
  } finally {
    tar.destroy(null);
    source.destroy();
    file.destroy();
    await fed;
  }
  if (failure !== null) throw refusal(failure);
}

async function feed(source: Readable, tar: Extract, count: (bytes: number) => void): Promise<void> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    count(chunk.length);
    if (tar.destroyed) return;
    if (!tar.write(chunk)) await drained(tar);
  }
  tar.end(undefined);
}

/** Settles at the end of the tar too: nobody drains one that was given up. */
const drained = (tar: Extract): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      tar.off("drain", done).off("close", done);
      resolve();
    };
    tar.on("drain", done).on("close", done);
  });

function memberOf(entry: Entry): Member {
  return {
    name: entry.header.name,
    kind: kinds.get(entry.header.type) ?? "other",
    size: entry.header.size,
    obstacle: null,
    open: () => contentOf(entry),
  };
}

/** Not by `for await`, which would end the entry, and the whole tar with it, when its reader has seen enough. */
async function* contentOf(entry: Entry): AsyncGenerator<Buffer> {
  const chunks = entry[Symbol.asyncIterator]();
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
      yield next.value as Buffer;
  } catch (error) {
    throw refusal(error);
  }
}

const kinds: ReadonlyMap<string | null, Member["kind"]> = new Map([
  ["file", "file"],
  ["contiguous-file", "file"],
  ["directory", "folder"],
  ["link", "link"],
  ["symlink", "link"],
]);

/** Errors that are not of the archive (a limit, a disk) stay what they are. */
function refusal(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isOurs = error instanceof Error && (error.name !== "Error" || /^E[A-Z]+$/.test(code));
  return isOurs ? error : new ArchiveError(`tar: ${(error as Error).message}`, { cause: error });
}
