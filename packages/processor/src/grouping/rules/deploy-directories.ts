/**
 * Directories that say where a program was put, not what it is. A module key taken from a path
 * never reaches past one of them. Besides those listed here, a directory whose name is no
 * identifier (`shop-1.4.2`, `20260606120005`, `my app`) cannot be a package and is one of them.
 */

/** Whole names, in lower case. */
export const deployDirectoryNames: ReadonlySet<string> = new Set([
  "app",
  "build",
  "code",
  "current",
  "dist",
  "release",
  "releases",
  "repo",
  "source",
  "src",
  "venv",
  "workdir",
  "workspace",
]);

/**
 * Identifiers that carry a release, a build or a hash: `e50bcb4`, `v1_4_2`, `release_12`,
 * `tmpk2j3h4_x` (Python's `tempfile`). A hash must hold a digit: `facaded` is a word.
 */
export const deployDirectoryShapes: readonly RegExp[] = [
  /^(?=[a-f]*\d)[0-9a-f]{7,}$/i,
  /^v\d+(?:_\d+)+$/i,
  /^(?:releases?|build|rev|deploy|version)_?\d\w*$/i,
  /^tmp[a-z0-9_]{8}$/,
];

/**
 * Where hosts keep programs: what the stars stand for is the root of one project, whatever its
 * name. `/home/ann/shop/worker.py` and `/srv/shop2/worker.py` are both module `worker`.
 * Lower case; on Windows below the drive.
 */
export const projectRoots: readonly string[] = [
  "builds/*",
  "data/*",
  "home/*/*",
  "inetpub/*",
  "mnt/*",
  "opt/*",
  "program files/*",
  "program files (x86)/*",
  "root/*",
  "srv/*",
  "tmp/*",
  "users/*/*",
  "usr/lib/*",
  "usr/local/*",
  "usr/share/*",
  "usr/src/*",
  "var/lib/*",
  "var/task",
  "var/www/*",
  "workspaces/*",
];
