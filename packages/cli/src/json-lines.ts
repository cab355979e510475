/** The lines of a stream of JSON, one value a line, without ever holding more than one of them. */

/** A longer line is refused; a report of a hundred thousand frames is half as long. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

export type Line =
  /** `text`: without its line end and the spaces around it. `number`: from 1. */
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly text: null; readonly problem: string };

const LINE_FEED = 0x0a;

export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  maxLineBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (part: Uint8Array): void => {
    length += part.length;
    if (length > maxLineBytes) parts = [];
    else parts.push(part);
  };
  const finish = (): Line => {
    const line: Line =
      length > maxLineBytes
        ? { number, text: null, problem: tooLong(length, maxLineBytes) }
        : { number, text: decoder.decode(Buffer.concat(parts)).trim() };
    number++;
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}

const tooLong = (length: number, limit: number): string =>
  `the line has ${length} bytes; at most ${limit} (MAX_LINE_BYTES) are read`;
