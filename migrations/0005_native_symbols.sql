-- Native symbol files (ELF objects and their companions, Breakpad .sym), once by content, and the caches built of them.
-- Neither belongs to a project or a release: a build id is made of what was linked, so it names the same module for
-- everybody, and the C library that ten projects crash in is uploaded and built once.

create table native_files (
  id bigint generated always as identity unique,
  -- names the blob as well
  sha256 bytea primary key,
  size bigint not null,
  -- as the first upload called it, for people
  name text not null,
  kind text not null check (kind in ('object', 'debug', 'supplementary', 'dwo', 'dwp', 'breakpad')),
  machine text not null,
  os text,
  build_id text,
  -- null for what is found by its build id (supplementary), its CRC or its split units alone
  debug_id text,
  has_debug_info boolean not null,
  has_split_units boolean not null,
  symbols text check (symbols in ('symtab', 'minidebug', 'dynsym')),
  has_unwind boolean not null,
  -- of the whole file: what a .gnu_debuglink knows its debug file by
  crc32 bigint not null,
  -- what its sections say, once a worker has read them
  debug_link text,
  debug_link_crc bigint,
  alt_link text,
  alt_link_build_id text,
  -- stored: waits for that; refused: it cannot be read, `error` says why
  state text not null default 'stored' check (state in ('stored', 'ready', 'refused')),
  error text,
  attempts integer not null default 0,
  created_at timestamptz not null default now()
);

create index native_files_stored on native_files (created_at) where state = 'stored';
create index native_files_build_id on native_files (build_id);
create index native_files_debug_id on native_files (debug_id);
create index native_files_crc32 on native_files (crc32) where kind = 'debug';
create index native_files_debug_link on native_files (debug_link_crc) where debug_link_crc is not null;
create index native_files_alt_link on native_files (alt_link_build_id) where alt_link_build_id is not null;

-- Ids that join skeleton units with split ones: those a file's skeletons want, and those a .dwo or .dwp has.
create table native_split_units (
  unit_id bigint not null,
  provided boolean not null,
  sha256 bytea not null references native_files,
  primary key (unit_id, provided, sha256)
);

create index native_split_units_sha256 on native_split_units (sha256);

-- One cache a module, by its debug id, which every native module has: that of an ELF file is made of its build id.
create table native_caches (
  id bigint generated always as identity unique,
  debug_id text primary key,
  build_id text,
  name text not null,
  machine text not null,
  -- raised by every file that arrives and concerns the module; the newest cache was built for `built`
  wanted bigint not null default 1,
  built bigint not null default 0,
  state text not null default 'stored' check (state in ('stored', 'building', 'ready', 'refused')),
  error text,
  attempts integer not null default 0,
  units_done integer,
  units_total integer,
  -- the newest cache that could be built: it answers while a newer one is under way, or could not be built
  blob text,
  size bigint,
  cache_version integer,
  -- [{sha256, role}]: what it was built of
  files jsonb not null default '[]',
  -- [{role, buildId, file}]: companions that its files ask for and nobody has uploaded
  missing jsonb not null default '[]',
  gaps jsonb not null default '[]',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create index native_caches_build_id on native_caches (build_id);
create index native_caches_blob on native_caches (blob);
create index native_caches_name on native_caches (name);
create index native_caches_waiting on native_caches (updated_at) where wanted > built;
