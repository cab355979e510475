/** What releases do to the program: files move, functions are renamed, decorators come and go. */
import { hash, share } from "./chance.ts";
import { odds } from "./probabilities.ts";
import type { Listed } from "./program-text.ts";

interface Change {
  readonly from: string;
  readonly to: string;
  readonly release: number;
}

/** `from to release`, a line each. */
const changes = (text: string): ReadonlyMap<string, Change> =>
  new Map(
    text
      .trim()
      .split("\n")
      .map((line) => {
        const [from = "", to = "", release] = line.split(" ");
        return [from, { from, to, release: Number(release) }];
      }),
  );

const moves = changes(`
harbor/pricing/quotes.py harbor/pricing/quoting/builder.py 4
harbor/documents/images.py harbor/documents/raster/pages.py 6
harbor/common/db.py harbor/db/pool.py 5
harbor/geo/lanes.py harbor/geo/lane_geometry.py 3
harbor/search/tokens.py harbor/search/analysis/tokens.py 7
harbor/common/codec.py harbor/common/serialization.py 2
harbor/vision/camera.py harbor/vision/devices/camera.py 6
harbor/ledger/posting.py harbor/ledger/core/posting.py 8
harbor/ingest/edi.py harbor/edi/interchange.py 5
harbor/web/views/shipments.py harbor/web/shipments/views.py 6
`);

const renames = changes(`
lane_geometry geometry_for_lane 5
read_table load_table 7
build_lines invoice_lines 4
post_batch post_entries 6
index_document index_one 5
get_features fetch_features 3
to_jpeg encode_jpeg 6
fetch_all fetchall 4
decode_frame decode 6
to_frame as_dataframe 5
open_session _open_session 7
`);

function changed(by: ReadonlyMap<string, Change>, what: string, release: number): string {
  const change = by.get(what);
  return change !== undefined && release >= change.release ? change.to : what;
}

export const fileIn = (file: string, release: number): string => changed(moves, file, release);
export const nameIn = (name: string, release: number): string => changed(renames, name, release);

const decorators: readonly Listed[] = [
  { file: "harbor/common/retry.py", name: "wrapper" },
  { file: "harbor/common/tracing.py", name: "traced" },
  { file: "harbor/common/metrics.py", name: "inner" },
  { file: "LIB/contextlib.py", name: "inner" },
  { file: "SP/opentelemetry/instrumentation/utils.py", name: "wrapped" },
  { file: "harbor/common/decorators.py", name: "wrapper" },
];

/** The decorator's frame around a function in one release, if it has one. */
export function decoratorOf(seed: number, id: string, release: number): Listed | null {
  if (share(seed, "deco", id) >= odds.decorated) return null;
  if (share(seed, "chg", id) < odds.decoratorChanges) {
    const at = 2 + (hash(seed, "at", id) % 7);
    const comes = share(seed, "came", id) < odds.decoratorComes;
    if (comes ? release < at : release >= at) return null;
  }
  return decorators[hash(seed, "which", id) % decorators.length]!;
}

/** A release's name, as a path of deployment has it. */
export function releaseName(seed: number, release: number): string {
  const day = 3 + (hash("rel", release) % 24);
  const commit = (hash("sha", seed, release) >>> 4).toString(16).padStart(7, "0").slice(0, 7);
  return `2024${pair(1 + release)}${pair(day)}-${commit}`;
}

const pair = (number: number): string => String(number).padStart(2, "0");
