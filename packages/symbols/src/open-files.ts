/** Files that are opened one after the other and closed together. */
import { type ElfFile, openElf } from "@faultline/debuginfo";
import { type FileSource, openFileSource } from "./file-source.ts";

export class OpenFiles {
  private readonly sources: FileSource[] = [];

  /** Throws the system's error when the file cannot be opened. */
  open(path: string): FileSource {
    const source = openFileSource(path);
    this.sources.push(source);
    return source;
  }

  /** Throws DebugInfoError when it is no ELF file. */
  elf(path: string): ElfFile {
    return openElf(this.open(path));
  }

  [Symbol.dispose](): void {
    for (const source of this.sources) source.close();
  }
}
