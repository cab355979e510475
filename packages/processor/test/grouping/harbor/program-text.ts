/**
 * The program that the fleet runs: "harbor", a freight marketplace. Written by hand, so that its
 * names are such as people give.
 */

export interface Listed {
  readonly file: string;
  readonly name: string;
}

/** `file: function function`, a line each. */
export const listed = (text: string): readonly Listed[] =>
  text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [file = "", names = ""] = line.split(": ");
      return names.split(" ").map((name) => ({ file, name }));
    });

/** Where each service is entered: views, tasks, handlers, commands, tests, a notebook's cells. */
export const entryPoints = {
  web: listed(`harbor/web/views/quotes.py: create get_queryset preview_pdf recalculate
harbor/web/views/shipments.py: list retrieve track label bulk_upload
harbor/web/views/accounts.py: login_view statement export_csv
harbor/web/views/search.py: autocomplete results
harbor/web/views/reports.py: get download`),
  celery: listed(`harbor/tasks/billing.py: close_day post_statements send_invoice
harbor/tasks/documents.py: render_label extract_bol make_thumbnails ocr_document
harbor/tasks/routing.py: recompute_lanes refresh_tiles
harbor/tasks/search.py: reindex_carrier reindex_shipments
harbor/tasks/notify.py: deliver_webhook send_digest`),
  api: listed(`harbor/api/routes/rates.py: get_rates post_rates
harbor/api/routes/tracking.py: track_events stream_positions
harbor/api/routes/documents.py: upload_document classify
harbor/api/routes/health.py: readiness
harbor/api/routes/embeddings.py: embed_text`),
  gateway: listed(`harbor/gateway/edi.py: handle_204 handle_214 handle_990
harbor/gateway/telematics.py: on_message on_batch
harbor/gateway/app.py: dispatch`),
  batch: listed(`harbor/batch/jobs/settlement.py: run reconcile_carrier
harbor/batch/jobs/lane_model.py: train score_all
harbor/batch/jobs/archive.py: run compact_partition
harbor/batch/jobs/geocode.py: run process_chunk
harbor/batch/jobs/feature_export.py: run write_shard`),
  vision: listed(`harbor/vision/station.py: capture_loop process_pallet
harbor/vision/dock.py: on_trigger calibrate
harbor/vision/agent.py: run_once`),
  pytest:
    listed(`tests/pricing/test_quotes.py: test_quote_total test_quote_rounding test_fuel_surcharge
tests/geo/test_lanes.py: test_lane_overlap test_empty_polygon
tests/docs/test_labels.py: test_render_label test_unicode_address
tests/search/test_tokens.py: test_encode_roundtrip
tests/ingest/test_edi.py: test_parse_214`),
  notebook: listed(`CELL: <module>`),
};

export const useCases =
  listed(`harbor/pricing/quotes.py: build_quote price_legs apply_accessorials requote
harbor/pricing/fuel.py: surcharge_for load_index
harbor/pricing/rates.py: lookup_rate rate_matrix best_carrier
harbor/shipments/planner.py: plan_route assign_loads consolidate
harbor/shipments/tracking.py: append_event current_position eta_for
harbor/shipments/labels.py: render_label label_sheet
harbor/billing/invoices.py: issue_invoice build_lines attach_documents
harbor/billing/settlement.py: settle_carrier net_balances close_period
harbor/documents/intake.py: ingest_document split_pages detect_kind
harbor/documents/ocr.py: read_text read_table
harbor/search/indexer.py: index_document build_terms flush_segment
harbor/search/query.py: run_query rank
harbor/vision/inspect.py: measure_pallet find_damage read_barcodes
harbor/ml/lanes.py: fit_lane_model predict_price residuals
harbor/ml/embed.py: embed_batch nearest
harbor/ingest/edi.py: parse_interchange map_segments acknowledge
harbor/ingest/telematics.py: decode_frame store_positions
harbor/reports/builder.py: build_report aggregate to_frame
harbor/accounts/auth.py: authenticate check_token rotate_keys
harbor/notify/webhooks.py: deliver sign_payload`);

export const domain =
  listed(`harbor/geo/lanes.py: lane_geometry overlap_ratio snap_to_grid merge_lanes split_at_border length_km corridor
harbor/geo/tiles.py: tiles_for_lane encode_tile tile_bounds cover parent_tiles bbox_of
harbor/geo/geocoder.py: geocode normalize_address reverse nearest_depot match_zip
harbor/ledger/posting.py: post_batch post_entry rollup reverse_entry import_journal verify
harbor/ledger/balances.py: balance_at trial_balance aging statement_lines freeze
harbor/features/store.py: get_features put_features hash_row warm_cache merge_rows backfill
harbor/features/windows.py: rolling_mean bucketize ewma fill_gaps resample
harbor/documents/images.py: load_page deskew to_jpeg resize_page binarize crop_margins contact_sheet
harbor/documents/xml.py: parse_manifest validate_schema xpath_text strip_namespaces to_dict patch_node
harbor/search/tokens.py: tokenize encode_query stem synonyms detokenize load_vocab
harbor/vision/camera.py: grab_frame set_exposure open_camera start_stream queue_buffers reconnect
harbor/vision/frames.py: undistort crop_roi to_tensor stack_frames normalize_exposure depth_map
harbor/crypto/hsm.py: sign unwrap_key open_session get_attribute verify_signature list_keys
harbor/storage/parquet.py: read_table write_table scan_partitions compact row_groups append_rows
harbor/storage/blobs.py: read_blob write_blob mmap_blob copy_blob head_blob
harbor/ml/model.py: forward load_weights warmup predict batch_inputs quantize
harbor/media/video.py: decode_clip first_frame sample_frames transcode probe
harbor/shipments/rules.py: evaluate compile_rule visit_node match load_rules`);

/** What everybody uses. */
export const common = listed(`harbor/common/cache.py: get_or_set invalidate load_local mget refresh
harbor/common/db.py: checkout execute fetch_all transaction stream_rows upsert copy_in
harbor/common/codec.py: dumps loads compress decompress dump_bytes load_stream frame
harbor/common/http.py: request get_json stream post_json upload
harbor/common/locks.py: acquire_named hold
harbor/common/arrays.py: as_matrix stack_columns chunked pad to_csr weighted_sum argmax_by
harbor/common/metrics.py: observe flush timer
harbor/common/logging.py: emit_event bind
harbor/common/tree.py: walk clone merge`);
