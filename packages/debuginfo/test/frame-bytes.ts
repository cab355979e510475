/** Call frame information put together entry by entry: `.eh_frame` or `.debug_frame`, of any byte order and width. */
import { integers, type Kind, sleb, uleb } from "./synthetic-elf.ts";

export interface CieShape {
  readonly version?: number;
  readonly augmentation?: string;
  /** Behind the length of the augmentation data: what the letters have. */
  readonly data?: readonly number[];
  readonly codeAlignment?: number;
  readonly dataAlignment?: number;
  readonly returnAddress?: number;
  readonly instructions?: readonly number[];
}

export interface FrameShape extends Kind {
  readonly name?: ".eh_frame" | ".debug_frame";
  /** Where the section will be. */
  readonly address?: number;
  /** 64-bit DWARF. */
  readonly wide?: boolean;
}

const NOP = 0;
/** CFA = r7 + 8, the return address below it. */
const X86_64 = [0x0c, 7, 8, 0x80 | 16, 1];

export class FrameBytes {
  private readonly shape: FrameShape;
  private bytes: number[] = [];

  constructor(shape: FrameShape = {}) {
    this.shape = shape;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Its offset, for the functions that use it. */
  cie({
    version = 1,
    augmentation = "",
    data = [],
    codeAlignment = 1,
    dataAlignment = -8,
    returnAddress = 16,
    instructions = X86_64,
  }: CieShape = {}): number {
    const text = [...Buffer.from(`${augmentation}\0`)];
    const sizes = version === 4 ? [this.addressSize, 0] : [];
    const column = version === 1 ? [returnAddress] : uleb(returnAddress);
    const extra = augmentation.startsWith("z") ? [...uleb(data.length), ...data] : [];
    return this.entry(this.isEh ? 0 : -1, () => [
      version,
      ...text,
      ...sizes,
      ...uleb(codeAlignment),
      ...sleb(dataAlignment),
      ...column,
      ...extra,
      ...instructions,
    ]);
  }

  /** `place`: start and length as encoded, from where they will lie in the section; the default is absolute. */
  fde(
    cie: number,
    start: number,
    size: number,
    instructions: readonly number[],
    place: (at: number) => readonly number[] = () => [
      ...this.pointer(start),
      ...this.pointer(size),
    ],
    augmentationData: readonly number[] | null = null,
  ): number {
    const idAt = this.bytes.length + (this.shape.wide === true ? 12 : 4);
    return this.entry(this.isEh ? idAt - cie : cie, (at) => [
      ...place(at),
      ...(augmentationData === null ? [] : [...uleb(augmentationData.length), ...augmentationData]),
      ...instructions,
    ]);
  }

  raw(bytes: readonly number[]): void {
    this.bytes = this.bytes.concat(bytes);
  }

  pointer(value: number): number[] {
    const { u32, u64 } = this.integers;
    return this.addressSize === 8 ? u64(value) : u32(value);
  }

  get integers(): ReturnType<typeof integers> {
    return integers(this.shape.littleEndian ?? true);
  }

  section(): Uint8Array {
    return Buffer.from(this.bytes);
  }

  private get isEh(): boolean {
    return (this.shape.name ?? ".eh_frame") === ".eh_frame";
  }

  private get addressSize(): 4 | 8 {
    return (this.shape.is64 ?? true) ? 8 : 4;
  }

  private entry(id: number, content: (at: number) => readonly number[]): number {
    const { u32, u64 } = this.integers;
    const offset = this.bytes.length;
    const wide = this.shape.wide === true;
    const idBytes = wide && !this.isEh ? u64(id) : u32(id);
    const at = offset + (wide ? 12 : 4) + idBytes.length;
    const body = [...idBytes, ...content(at)];
    while ((body.length + (wide ? 12 : 4)) % this.addressSize !== 0) body.push(NOP);
    const length = wide ? [...u32(0xffff_ffff), ...u64(body.length)] : u32(body.length);
    this.bytes = this.bytes.concat(length, body);
    return offset;
  }
}
