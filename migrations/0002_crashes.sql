-- Crashes as they came, and the outbox that says which still wait for processing.
-- A crash row is written once and never changed; ids are UUIDv7, so a range of ids is a range of time
-- and retention drops whole partitions. A row of `pending` is the one right to count a crash: whoever
-- deletes it in the transaction that saves the report counts, everybody else finds it gone.

create table crashes (
  id uuid not null primary key,
  project_id integer not null,
  received_at timestamptz not null,
  -- a text that holds several dumps becomes several crashes; the further ones name the first
  parent_id uuid,
  release text,
  environment text,
  host text,
  metadata jsonb not null,
  -- [{name, kind, contentType, size, sha256, at, blob}]: `at` is the offset into `content`, or null and `blob` names the file
  attachments jsonb not null,
  content bytea
) partition by range (id);

create table pending (
  crash_id uuid not null primary key,
  queued_at timestamptz not null,
  attempts integer not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index pending_queued_at on pending (queued_at);

-- Names a crash has besides its id: a client's own id that is no UUIDv7 ("client"), or the hash of what
-- was sent with the host it came from ("content", good for an hour).
create table crash_keys (
  project_id integer not null,
  key bytea not null,
  crash_id uuid not null,
  kind text not null check (kind in ('client', 'content')),
  created_at timestamptz not null,
  primary key (project_id, key)
);

create index crash_keys_created_at on crash_keys (created_at);
