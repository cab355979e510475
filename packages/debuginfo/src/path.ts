/** Paths of source files, as compilers record them. */

const isAbsolute = (path: string): boolean => path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path);

/**
 * `name` in `directory`, without `.` and `..` parts that can be resolved. Windows paths keep their
 * backslashes. Either part may be empty.
 */
export function joinPath(directory: string, name: string): string {
  const path =
    directory === "" || isAbsolute(name)
      ? name
      : `${directory}${/[\\/]$/.test(directory) ? "" : separatorOf(directory)}${name}`;
  return path.includes("./") || path.includes(".\\") ? normalize(path) : path;
}

const separatorOf = (directory: string): string =>
  /^[A-Za-z]:\\|^\\\\/.test(directory) ? "\\" : "/";

function normalize(path: string): string {
  const separator = path.includes("/") ? "/" : "\\";
  const parts: string[] = [];
  for (const part of path.split(separator)) {
    const last = parts.at(-1);
    if (part === "." && parts.length > 0) continue;
    if (part === ".." && last !== undefined && last !== ".." && last !== "." && last !== "")
      parts.pop();
    else if (part !== ".." || last !== "") parts.push(part);
  }
  return parts.join(separator);
}
