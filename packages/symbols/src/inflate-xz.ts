/** xz inflated by WebAssembly, for the symbols inside `.gnu_debugdata`. */

/** Inflated bytes; those of a big library are some MB. */
const MAX_XZ_BYTES = 256 * 1024 ** 2;

/** Throws Error when the bytes are no xz or inflate to more than MAX_XZ_BYTES. */
export async function inflateXz(packed: Uint8Array): Promise<Uint8Array> {
  const { default: xz } = await import("xz-decompress");
  const chunks: Uint8Array[] = [];
  let size = 0;
  const bytes = new Blob([new Uint8Array(packed)]).stream();
  for await (const chunk of new xz.XzReadableStream(bytes)) {
    size += chunk.length;
    if (size > MAX_XZ_BYTES)
      throw new Error(`xz data inflates to more than MAX_XZ_BYTES (${MAX_XZ_BYTES})`);
    // the stream hands out its working memory
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}
