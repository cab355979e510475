-- A project's own grouping rules, every revision of them, and what a change would do to the crashes there are.

alter table projects add rules_revision integer not null default 0;

create table grouping_rules (
  project_id integer not null references projects,
  -- 1, 2, …; projects.rules_revision is in force, 0 are none
  revision integer not null,
  text text not null,
  -- a token's label and hint
  actor text not null,
  created_at timestamptz not null default now(),
  primary key (project_id, revision)
);

create table rule_previews (
  id bigint generated always as identity primary key,
  project_id integer not null references projects,
  -- what it was compared with
  revision integer not null,
  text text not null,
  -- waiting: for a worker
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  -- [{line, problem}]: lines that are no rules
  problems jsonb not null default '[]',
  result jsonb,
  created_at timestamptz not null default now()
);

create index rule_previews_waiting on rule_previews (id) where state = 'waiting';

-- Crashes are grouped anew by new rules as others are repaired: newest first, by whoever holds the lock.
alter table repairs drop constraint repairs_kind_check;
alter table repairs
  add constraint repairs_kind_check check (kind in ('python', 'native', 'rules')),
  -- of a change of rules: the last crash that was looked at; groups that crashes may leave though a user put them together
  add reached uuid,
  -- crashes that were on their way while the rules changed are looked at last: those since then
  add since uuid,
  add free_groups bigint[] not null default '{}';
