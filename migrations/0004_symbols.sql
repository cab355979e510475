-- Uploaded symbol files, once by content, and which release holds them under which path.

create table symbol_files (
  sha256 bytea primary key,
  kind text not null check (kind in ('pyc', 'source')),
  size bigint not null,
  -- the file's bytes when small, else the blob that holds them
  content bytea,
  blob text,
  -- stored: waits for its cache; ready; refused: no cache can be made of it, `error` says why
  state text not null check (state in ('stored', 'ready', 'refused')),
  error text,
  -- the symbol cache (a pyc map) and the version of its format
  cache bytea,
  cache_version integer,
  python_version text,
  code_filename text,
  created_at timestamptz not null default now()
);

create index symbol_files_stored on symbol_files (created_at) where state = 'stored';

create table release_files (
  release_id integer not null references releases,
  kind text not null check (kind in ('pyc', 'source')),
  -- as a source path inside the upload: app/jobs.py
  path text not null,
  basename text not null,
  sha256 bytea not null references symbol_files,
  created_at timestamptz not null default now(),
  primary key (release_id, kind, path)
);

create index release_files_basename on release_files (release_id, basename);
create index release_files_sha256 on release_files (sha256);
