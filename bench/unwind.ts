/** Frames a second of a stack overflow, by each technique; against the least that a walk can do: read each frame's return address. */
import { type Code, type Memory, registersOf, unwind, type UnwindRules } from "@faultline/unwind";

const MEASURED_MS = 1000;
const DEPTH = 20_000;
const STACK = 0x7ffd_0000_0000n;
const FUNCTION = 0x7f41_9f11_0000n;
/** A call in the middle of it, and how much of the stack it takes. */
const CALL = FUNCTION + 0x812n;
const FRAME_BYTES = 112;
/** rbx, rbp, r12 to r15, below the return address. */
const CALLEE_SAVED = [3, 6, 12, 13, 14, 15];

export async function benchUnwind(): Promise<void> {
  const { memory, words } = stackOverflow();
  const read = rate(() => readReturnAddresses(words, memory));
  for (const [technique, rules] of [
    ["cfi", functionRules()],
    ["frame-pointer", null],
    ["scan", null],
  ] as const) {
    const rbp = technique === "frame-pointer" ? STACK + BigInt(FRAME_BYTES - 16) : 1n;
    const registers = registersOf("amd64", [
      ["rip", CALL],
      ["rsp", STACK],
      ["rbp", rbp],
    ]);
    const walk = () => unwind({ cpu: "amd64", registers }, memory, codeOf(rules));
    const { frames, end } = walk();
    const by = frames.filter(({ foundBy }) => foundBy === technique).length;
    const walked = rate(() => walk().frames.length);
    process.stdout.write(
      `  ${technique}: ${frames.length} frames (${by} by it, ${end}), ${(walked / 1e6).toFixed(2)} million frames/s, ` +
        `${((frames.length * 1000) / walked).toFixed(1)} ms a walk; reading the return addresses alone ${(read / walked).toFixed(1)} times as fast\n`,
    );
  }
}

interface Stack {
  readonly memory: Memory;
  readonly words: number;
}

function stackOverflow(): Stack {
  const words = (DEPTH * FRAME_BYTES) / 8;
  const view = new DataView(new ArrayBuffer(words * 8));
  for (let frame = 0; frame < DEPTH; frame++) {
    const end = (frame + 1) * FRAME_BYTES;
    const next = frame + 1 < DEPTH ? STACK + BigInt(end + FRAME_BYTES - 16) : 0n;
    view.setBigUint64(end - 16, next, true);
    view.setBigUint64(end - 8, CALL, true);
  }
  const read = (address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined => {
    const at = Number(address - STACK);
    if (at < 0 || at + size > view.byteLength) return undefined;
    return size === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint8(at));
  };
  return { memory: { read }, words };
}

function functionRules(): UnwindRules {
  const saved = CALLEE_SAVED.map(
    (register, index) => [register, { kind: "offset", offset: -8 * (index + 2) }] as const,
  );
  return {
    cfa: { kind: "register", register: 7, offset: FRAME_BYTES },
    registers: new Map([[16, { kind: "offset", offset: -8 }], ...saved]),
    returnAddress: 16,
    signalFrame: false,
    pointerAuthentication: false,
    start: 0,
    end: 0x1000,
    rowStart: 0,
  };
}

function codeOf(rules: UnwindRules | null): Code {
  const holds = (address: bigint): boolean => address >= FUNCTION && address < FUNCTION + 0x1000n;
  return {
    rulesAt: (address) => (holds(address) ? rules : null),
    addressBias: () => FUNCTION,
    kindAt: (address) => (holds(address) ? "module" : "data"),
    functionStart: () => null,
  };
}

function readReturnAddresses(words: number, memory: Memory): number {
  let frames = 0;
  for (let at = FRAME_BYTES - 8; at < words * 8; at += FRAME_BYTES)
    if (memory.read(STACK + BigInt(at), 8) === CALL) frames++;
  return frames;
}

/** Frames a second of `walk`, which tells how many it saw. */
function rate(walk: () => number): number {
  for (let warm = 0; warm < 3; warm++) walk();
  const started = performance.now();
  let frames = 0;
  let elapsed = 0;
  while (elapsed < MEASURED_MS) {
    frames += walk();
    elapsed = performance.now() - started;
  }
  return (frames * 1000) / elapsed;
}
