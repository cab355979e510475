/** What the engine may ask for while it works on a crash, and the one place where questions meet their answers. */
import type {
  NeedPythonFiles,
  NeedSymbolCaches,
  PythonFiles,
  SymbolCaches,
} from "@faultline/shared";

export type Need = NeedPythonFiles | NeedSymbolCaches;
/** The answer's type follows from the question's. */
export type Provided = PythonFiles | SymbolCaches;

/** Work that may ask; whoever runs it answers each question with what its kind wants. */
export type Asking<Result> = Generator<Need, Result, Provided>;

export function* askPythonFiles(request: NeedPythonFiles): Asking<PythonFiles> {
  return (yield request) as PythonFiles;
}

export function* askSymbolCaches(request: NeedSymbolCaches): Asking<SymbolCaches> {
  return (yield request) as SymbolCaches;
}
