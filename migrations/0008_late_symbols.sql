-- What processed crashes lacked, so that symbols which arrive later find them.
-- A crash lacks its release's Python files as one thing, whichever they are: one row however many frames they have.

create table crash_lacks (
  -- of lacked_symbols
  key bigint not null,
  crash_id uuid not null,
  -- state of the symbols that the report was made with: releases.symbols_version, or native_caches.built; -1 before the first
  version bigint not null,
  -- of lacked_files: Python files that the blamed stack needs; null for a native module
  files bigint,
  primary key (key, crash_id)
) partition by range (crash_id);

do $$
declare day record;
begin
  for day in
    select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'reports'::regclass
  loop
    execute format('create table %I partition of crash_lacks %s', replace(day.name, 'reports_', 'crash_lacks_'), day.bound);
  end loop;
end $$;

-- What the keys stand for. They are hashes: whoever saves a crash knows them without asking.
create table lacked_symbols (
  key bigint primary key,
  project_id integer not null,
  kind text not null check (kind in ('python', 'native')),
  -- of the Python files
  release text,
  -- of the native module
  name text,
  build_id text,
  debug_id text,
  last_seen timestamptz not null
);

create index lacked_symbols_release on lacked_symbols (project_id, release) where kind = 'python';
create index lacked_symbols_debug_id on lacked_symbols (debug_id) where kind = 'native';
create index lacked_symbols_build_id on lacked_symbols (build_id) where kind = 'native';

create table lacked_files (
  key bigint primary key,
  -- of the application, and of installed packages, as frames name them
  own text[] not null,
  installed text[] not null,
  last_seen timestamptz not null
);

-- Keys in crash_lacks; and how often the report was replaced.
alter table reports add lacks bigint[] not null default '{}', add revision integer not null default 0;
