/** Blocks of bytes by content, equal ones stored once, one behind the other. */
import { ByteSink } from "./byte-sink.ts";

const INITIAL_SLOTS = 1024;
/** Slots that are looked at: a file made to collide gets its blocks stored again instead of searched for. */
const MAX_PROBES = 64;

export class BlockTable {
  private readonly sink = new ByteSink();
  /** Open addressing: one more than the number of the block in `starts`, 0 for a slot that is free. */
  private slots = new Uint32Array(INITIAL_SLOTS);
  private readonly starts: number[] = [];
  private readonly hashes: number[] = [];

  /** Bytes stored. */
  get length(): number {
    return this.sink.length;
  }

  /** Offset of the block that was written to `block`. */
  add(block: ByteSink): number {
    const hash = hashOf(block);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    let probes = 0;
    for (; this.slots[slot] !== 0 && probes < MAX_PROBES; probes += 1) {
      const index = (this.slots[slot] as number) - 1;
      if (this.hashes[index] === hash && this.holds(index, block))
        return this.starts[index] as number;
      slot = (slot + 1) & mask;
    }
    const start = this.sink.length;
    this.sink.append(block.view());
    this.starts.push(start);
    this.hashes.push(hash);
    if (probes < MAX_PROBES) this.slots[slot] = this.starts.length;
    if (2 * this.starts.length > this.slots.length) this.spread();
    return start;
  }

  bytes(): Uint8Array {
    return this.sink.view();
  }

  private holds(index: number, { bytes, length }: ByteSink): boolean {
    const start = this.starts[index] as number;
    const end = this.starts[index + 1] ?? this.sink.length;
    const known = this.sink.bytes;
    if (end - start !== length) return false;
    for (let at = 0; at < length; at += 1) if (known[start + at] !== bytes[at]) return false;
    return true;
  }

  private spread(): void {
    const mask = 2 * this.slots.length - 1;
    this.slots = new Uint32Array(mask + 1);
    this.hashes.forEach((hash, index) => {
      let slot = hash & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = index + 1;
    });
  }
}

/** FNV-1a, 32 bits. */
function hashOf({ bytes, length }: ByteSink): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < length; at += 1)
    hash = Math.imul(hash ^ (bytes[at] as number), 0x0100_0193);
  return hash >>> 0;
}
