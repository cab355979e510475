/**
 * A cache under construction: functions, files and scopes, from whichever format they come. The rows are
 * in a RowSink.
 */
import { NO_SCOPE, SCOPE_COLUMNS } from "./format.ts";
import { StringTable } from "./string-table.ts";
import { WordList } from "./word-list.ts";

export class CacheModel {
  readonly strings = new StringTable();
  /** Flat pairs of string offsets. */
  readonly functions: number[] = [];
  readonly files: number[] = [];
  /** Flat, five numbers each: function, parent, call file, call line, call column. */
  readonly scopes = new WordList();
  private readonly functionIds = new Map<string, number>();
  private readonly fileIds = new Map<string, number>();
  private readonly rootScopes = new Map<number, number>();

  constructor() {
    this.file(""); // file 0: unknown
  }

  function(name: string, linkageName: string | null): number {
    const key = `${linkageName ?? ""}\0${name}`;
    const known = this.functionIds.get(key);
    if (known !== undefined) return known;
    const id = this.functions.length / 2;
    this.functions.push(this.strings.add(name), this.strings.add(linkageName ?? ""));
    this.functionIds.set(key, id);
    return id;
  }

  /** `path`: as joinPath makes it; the directory part is stored once for all files in it. */
  file(path: string): number {
    const known = this.fileIds.get(path);
    if (known !== undefined) return known;
    const id = this.files.length / 2;
    const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
    this.files.push(this.strings.add(path.slice(0, cut)), this.strings.add(path.slice(cut)));
    this.fileIds.set(path, id);
    return id;
  }

  /** The scope of a function by itself. */
  rootScope(functionId: number): number {
    const known = this.rootScopes.get(functionId);
    if (known !== undefined) return known;
    const id = this.addScope(functionId, NO_SCOPE, 0, 0, 0);
    this.rootScopes.set(functionId, id);
    return id;
  }

  addScope(
    functionId: number,
    parent: number,
    callFile: number,
    callLine: number,
    callColumn: number,
  ): number {
    const { scopes } = this;
    scopes.push(functionId);
    scopes.push(parent);
    scopes.push(callFile);
    scopes.push(callLine);
    scopes.push(callColumn);
    return scopes.length / SCOPE_COLUMNS - 1;
  }
}
