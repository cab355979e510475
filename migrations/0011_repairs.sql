-- Crashes that are worked out again because symbols came. What is left to do is told by crash_lacks alone (a row whose
-- version is older than the symbols), so a repair that is killed goes on where it was, and one that runs twice does no harm.

alter table releases
  -- up to which version crashes that lacked its files have been, or are about to be, worked out again
  add symbols_noticed bigint not null default -1;
update releases set symbols_noticed = symbols_version;
create index releases_unnoticed on releases (id) where symbols_version > symbols_noticed;

alter table native_caches add noticed bigint not null default 0;
update native_caches set noticed = built;
create index native_caches_unnoticed on native_caches (debug_id) where built > noticed;

create table repairs (
  id bigint generated always as identity primary key,
  project_id integer not null,
  -- of lacked_symbols
  key bigint not null,
  kind text not null check (kind in ('python', 'native')),
  -- the release, or the module
  name text not null,
  build_id text,
  debug_id text,
  -- waiting: until nothing more arrives for a moment
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done')),
  -- of the symbols that it works towards
  version bigint,
  -- crashes that lacked them; looked at; better than before; in another group than before
  found bigint,
  done bigint not null default 0,
  improved bigint not null default 0,
  moved bigint not null default 0,
  created_at timestamptz not null default now(),
  -- when symbols last arrived for it
  changed_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);

create unique index repairs_waiting on repairs (key) where state = 'waiting';
create index repairs_open on repairs (key) where state <> 'done';
create index repairs_project on repairs (project_id, id desc);

-- Groups that crashes of a repair left, and those they went to.
create table repair_groups (
  repair_id bigint not null references repairs on delete cascade,
  from_group bigint not null,
  to_group bigint not null,
  crashes bigint not null,
  primary key (repair_id, from_group, to_group)
);
