/** Small minidumps by hand, in either byte order; shares no code with whoever reads them. */

export interface SynthMemory {
  readonly address: bigint;
  readonly bytes: Buffer;
}

export interface SynthDump {
  readonly isBig?: boolean;
  /** Raw streams, by type. */
  readonly streams?: readonly (readonly [number, Buffer])[];
  readonly stacks?: readonly SynthMemory[];
  readonly memory?: readonly SynthMemory[];
  readonly memory64?: readonly SynthMemory[];
  /** Where the directory lies: behind the header, as all writers do it, or at the end. */
  readonly directory?: "front" | "end";
}

export const CMD_LINE = 0x47670006;
export const ENVIRON = 0x47670007;
export const AUXV = 0x47670008;

const HEADER_BYTES = 32;

export function minidump(dump: SynthDump = {}): Buffer {
  const { isBig = false, stacks = [], memory = [], memory64 = [] } = dump;
  const words = numbers(isBig);
  const count = (dump.streams?.length ?? 0) + 3;
  const isFront = dump.directory !== "end";
  const pieces: Buffer[] = [];
  let end = HEADER_BYTES + (isFront ? count * 12 : 0);
  const put = (bytes: Buffer): number => {
    pieces.push(bytes);
    end += bytes.length;
    return end - bytes.length;
  };
  const described = ({ address, bytes }: SynthMemory): Buffer =>
    Buffer.concat([words.u64(address), words.u32(bytes.length), words.u32(put(bytes))]);
  const list = (entries: readonly Buffer[]): Buffer =>
    Buffer.concat([words.u32(entries.length), ...entries]);

  const streams: (readonly [number, Buffer])[] = [...(dump.streams ?? [])];
  const threads = stacks.map((stack, id) =>
    Buffer.concat([words.u32(id), Buffer.alloc(20), described(stack), Buffer.alloc(8)]),
  );
  streams.push([3, list(threads)], [5, list(memory.map(described))]);
  const base = end;
  for (const { bytes } of memory64) put(bytes);
  const ranges = memory64.flatMap(({ address, bytes }) => [
    words.u64(address),
    words.u64(BigInt(bytes.length)),
  ]);
  const head64 = [words.u64(BigInt(memory64.length)), words.u64(BigInt(base))];
  streams.push([9, Buffer.concat([...head64, ...ranges])]);

  const directory = Buffer.concat(
    streams.map(([type, bytes]) =>
      Buffer.concat([words.u32(type), words.u32(bytes.length), words.u32(put(bytes))]),
    ),
  );
  const directoryAt = isFront ? HEADER_BYTES : end;
  const header = Buffer.concat([
    Buffer.from(isBig ? "PMDM" : "MDMP"),
    words.u32(0x1234_a793), // the upper half is the writer's own
    words.u32(count),
    words.u32(directoryAt),
    Buffer.alloc(16),
  ]);
  return Buffer.concat(isFront ? [header, directory, ...pieces] : [header, ...pieces, directory]);
}

export function numbers(isBig: boolean) {
  const write = (size: number, fill: (bytes: Buffer) => unknown): Buffer => {
    const bytes = Buffer.alloc(size);
    fill(bytes);
    return bytes;
  };
  return {
    u32: (value: number) =>
      write(4, (bytes) => (isBig ? bytes.writeUInt32BE(value) : bytes.writeUInt32LE(value))),
    u64: (value: bigint) =>
      write(8, (bytes) => (isBig ? bytes.writeBigUInt64BE(value) : bytes.writeBigUInt64LE(value))),
  };
}

/** The auxiliary vector of a process whose strings begin at `random` and end with the file name at `name`. */
export function auxv(
  random: bigint,
  name: bigint | null,
  { isBig = false, is32 = false } = {},
): Buffer {
  const words = numbers(isBig);
  const word = (value: bigint): Buffer => (is32 ? words.u32(Number(value)) : words.u64(value));
  const entries = [
    [33n, 0x7fff_f000n],
    [6n, 4096n],
    [25n, random],
    ...(name === null ? [] : [[31n, name]]),
    [0n, 0n],
  ];
  return Buffer.concat(entries.flat().map(word));
}
