/** What a client may say about a crash beside its attachments; every field optional on the wire. */
export interface CrashMetadata {
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
  readonly pid: number | null;
  /** RFC 3339; when the crash happened on the host. */
  readonly time: string | null;
  readonly pythonVersion: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** What a crash handler said that is no tag: long texts, and those beyond MAX_TAGS. Absent when there are none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** How many it said that were not kept, because they were too many or too large. Absent when there are none. */
  readonly annotationsLeftOut?: number;
  /** Native modules the reporter saw mapped; used once native frames are resolved. */
  readonly modules: readonly Readonly<Record<string, unknown>>[];
}

/** One crash as the engine takes it: what the client said, and the bytes it sent. */
export interface CrashInput {
  readonly metadata: CrashMetadata;
  /** faulthandler text, null when none came. May hold several dumps. */
  readonly faulthandler: Uint8Array | null;
  /** A minidump, null when none came. */
  readonly minidump: Uint8Array | null;
}
