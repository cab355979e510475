/** MinidumpCrashpadInfo */
import { guid } from "./byte-writer.ts";
import { location, type Place, type Placer } from "./placer.ts";

export interface SynthAnnotation {
  readonly name: string;
  readonly type: number;
  readonly value: string | Uint8Array | null;
}

export interface SynthModuleAnnotations {
  readonly moduleIndex: number;
  readonly list?: readonly string[];
  readonly simple?: Readonly<Record<string, string>>;
  /** Left out: the record ends before, as that of old writers. */
  readonly objects?: readonly SynthAnnotation[];
}

export interface SynthCrashpadInfo {
  /** As they are printed. */
  readonly reportId: string;
  readonly clientId: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly modules?: readonly SynthModuleAnnotations[];
}

const NOWHERE: Place = { dataSize: 0, rva: 0 };

function dictionary(out: Placer, entries: Readonly<Record<string, string>> | undefined): Place {
  const pairs = Object.entries(entries ?? {}).map(([key, value]) => [
    out.utf8(key),
    out.utf8(value),
  ]);
  return pairs.length === 0
    ? NOWHERE
    : out.place(
        out
          .writer()
          .u32(pairs.length, ...pairs.flat())
          .finish(),
      );
}

function annotationObjects(out: Placer, objects: readonly SynthAnnotation[]): Place {
  const placed = objects.map(({ name, type, value }) => ({
    name: out.utf8(name),
    type,
    value: value === null ? 0 : typeof value === "string" ? out.utf8(value) : out.counted(value),
  }));
  const list = out.writer().u32(placed.length);
  for (const { name, type, value } of placed) list.u32(name).u16(type, 0).u32(value);
  return out.place(list.finish());
}

function moduleInfo(out: Placer, module: SynthModuleAnnotations): Place {
  const texts = (module.list ?? []).map((text) => out.utf8(text));
  const list =
    texts.length === 0
      ? NOWHERE
      : out.place(
          out
            .writer()
            .u32(texts.length, ...texts)
            .finish(),
        );
  const simple = dictionary(out, module.simple);
  const objects = module.objects && annotationObjects(out, module.objects);
  const info = location(location(out.writer().u32(1), list), simple);
  return out.place((objects ? location(info, objects) : info).finish());
}

export function crashpadInfo(out: Placer, info: SynthCrashpadInfo): Uint8Array {
  const annotations = dictionary(out, info.annotations);
  const links = (info.modules ?? []).map((module) => ({
    index: module.moduleIndex,
    place: moduleInfo(out, module),
  }));
  const list = out.writer().u32(links.length);
  for (const { index, place } of links) location(list.u32(index), place);
  const modules = links.length === 0 ? NOWHERE : out.place(list.finish());
  const record = guid(guid(out.writer().u32(1), info.reportId), info.clientId);
  return location(location(record, annotations), modules).finish();
}
