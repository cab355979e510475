/** A minidump without memory but for its threads' stacks, as most writers take them. */

const MEMORY_LIST = 5;
const THREAD_LIST = 3;

/** A copy whose list of memory holds nothing but what lies in the threads' stacks. */
export function stackOnly(dump: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(dump); // a Buffer's own `slice` would share its memory
  const view = new DataView(bytes.buffer);
  const at = (type: number): number => {
    const streams = view.getUint32(8, true);
    const directory = view.getUint32(12, true);
    for (let entry = directory; entry < directory + 12 * streams; entry += 12)
      if (view.getUint32(entry, true) === type) return view.getUint32(entry + 8, true);
    throw new Error(`no stream ${type}`);
  };
  const threads = at(THREAD_LIST);
  const stacks = Array.from({ length: view.getUint32(threads, true) }, (_, index) => {
    const thread = threads + 4 + 48 * index;
    const start = view.getBigUint64(thread + 24, true);
    return { start, end: start + BigInt(view.getUint32(thread + 32, true)) };
  });
  const list = at(MEMORY_LIST);
  const count = view.getUint32(list, true);
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const range = list + 4 + 16 * index;
    const start = view.getBigUint64(range, true);
    if (!stacks.some((stack) => start >= stack.start && start < stack.end)) continue;
    bytes.copyWithin(list + 4 + 16 * kept++, range, range + 16);
  }
  view.setUint32(list, kept, true);
  return bytes;
}
