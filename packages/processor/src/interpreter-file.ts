/** Files that hold the interpreter, by their names. */

/** "libpython3.12.so.1.0", "python3.11", "python", "Python" of a framework, "python311.dll". */
const interpreterFile =
  /^(?:lib)?python(?:3(?:\.?(\d{1,2}))?)?t?d?(?:\.so(?:\.[\d.]+)?|\.dylib|\.exe|(?:_d)?\.dll|)$|^Python$/;

export const isInterpreterFile = (name: string): boolean => interpreterFile.test(name);

/** Minor version of CPython 3 that the name tells, else null. */
export function minorOfFile(name: string): number | null {
  const digits = interpreterFile.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
