-- Groups, the keys that lead to them, and their counts by hour, release, environment and host.

create table groups (
  id bigint generated always as identity primary key,
  project_id integer not null,
  title text not null,
  culprit text,
  kind text not null,
  classification text,
  status text not null default 'open' check (status in ('open', 'resolved', 'muted')),
  confidence text not null,
  count bigint not null default 0,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  newest_crash uuid not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create index groups_last_seen on groups (project_id, last_seen desc, id desc);
create index groups_first_seen on groups (project_id, first_seen desc, id desc);
create index groups_count on groups (project_id, count desc, id desc);

-- Append-only in meaning: a key once given to a group keeps leading to it.
create table group_keys (
  project_id integer not null,
  ruleset text not null,
  level text not null check (level in ('coarse', 'mid', 'link')),
  hash text not null,
  group_id bigint not null,
  origin text not null default 'auto' check (origin in ('auto', 'alias', 'attach', 'user-merge', 'user-split')),
  created_at timestamptz not null default now(),
  primary key (project_id, ruleset, level, hash)
);

create index group_keys_group on group_keys (group_id);

create table group_hours (
  group_id bigint not null,
  hour timestamptz not null,
  count bigint not null,
  primary key (group_id, hour)
) with (fillfactor = 70);

create table group_facets (
  group_id bigint not null,
  facet text not null check (facet in ('release', 'environment', 'host')),
  value text not null,
  count bigint not null,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  primary key (group_id, facet, value)
) with (fillfactor = 70);

create index group_facets_value on group_facets (facet, value, group_id);

-- What was worked out about a crash. Partitioned like the crashes, by the crash's id.
create table reports (
  crash_id uuid not null primary key,
  project_id integer not null,
  group_id bigint,
  state text not null check (state in ('processed', 'failed')),
  -- why processing failed, in words
  error text,
  kind text,
  title text,
  received_at timestamptz not null,
  -- when the host says it happened, else when it was received
  occurred_at timestamptz not null,
  processed_at timestamptz not null,
  release text,
  environment text,
  host text,
  ruleset text,
  -- zstd of the report's JSON
  report bytea
) partition by range (crash_id);

create index reports_group on reports (group_id, crash_id desc);
