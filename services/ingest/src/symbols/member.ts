/** One entry of an archive, of any format. */
export interface Member {
  /** As the archive spells it. */
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
  /** Bytes, as the archive says; `open` holds it to that. */
  readonly size: number;
  /** Why its bytes cannot be had; null when they can. */
  readonly obstacle: string | null;
  /** The bytes. To be read, if at all and as far as wanted, before the next member is asked for. Throws ArchiveError where they are damaged. */
  open(): AsyncIterable<Buffer>;
}

/** An archive, or a member of one, that cannot be read. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}
