/** The beginning of a body, looked at before anybody decides what to do with it. */

export interface Peeked {
  /** The body's first bytes: at least as many as were asked for, unless it has no more. */
  readonly head: Buffer;
  /** The body, its beginning included. */
  readonly body: AsyncIterable<Buffer>;
}

export async function peek(body: AsyncIterable<Buffer>, least: number): Promise<Peeked> {
  const chunks = body[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < least) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return { head, body: behind(head, chunks) };
}

async function* behind(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
