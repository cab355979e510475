-- Projects, what may talk to them, and their releases.
-- An ingest key is public and may only write; an API token is secret and stored as a hash.

create table projects (
  id integer generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  created_at timestamptz not null default now()
);

create table ingest_keys (
  key text primary key check (key ~ '^[0-9a-f]{32}$'),
  project_id integer not null references projects,
  label text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table api_tokens (
  id integer generated always as identity primary key,
  hash bytea not null unique,
  -- the first characters, so that a person can tell tokens apart
  hint text not null,
  label text not null,
  -- null: every project
  project_id integer references projects,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table releases (
  id integer generated always as identity primary key,
  project_id integer not null references projects,
  name text not null,
  -- raised by every change of the release's files, so that what was read of them can be kept until then
  symbols_version bigint not null default 0,
  created_at timestamptz not null default now(),
  unique (project_id, name)
);
