/**
 * What the engine asks of whoever holds the uploaded files. The processor yields a request and is
 * handed the answer; it never opens anything itself.
 */

/** Python files of the crash's release whose base name is among `basenames` ("jobs.py"). */
export interface NeedPythonFiles {
  readonly need: "python-files";
  readonly basenames: readonly string[];
}

/** One Python file of a release. */
export interface PythonFile {
  /** Path inside the upload, as a source path: "app/jobs.py" (no `__pycache__`, no cache tag). */
  readonly path: string;
  /** `co_filename` of the compiled module, null when only the source was uploaded. */
  readonly codeFilename: string | null;
  /** The pyc map (`buildPycMap` of @faultline/pyc), null when only the source was uploaded. */
  readonly map: Uint8Array | null;
  /** The source text's bytes, null when no source was uploaded. */
  readonly source: Uint8Array | null;
  /** Stable identity of `map`/`source` content, for caches. */
  readonly key: string;
}

/** Answer to NeedPythonFiles, keyed by base name; a name without files maps to an empty list. */
export type PythonFiles = ReadonlyMap<string, readonly PythonFile[]>;
