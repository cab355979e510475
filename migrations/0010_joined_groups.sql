-- Groups that are shown as one. Every key keeps a group of its own, which counts what was filed under it; a group may
-- be joined to another one, which then shows both. So joining and parting are a matter of one column: no crash, hour
-- or facet is rewritten, and every count stays exact, those of crashes long gone included.

alter table groups
  -- the group that shows this one; never one that is joined itself. Null: it is shown.
  add parent_id bigint,
  -- why it stands where it does. What a user did (user-…) is overridden by nothing automatic.
  add origin text not null default 'auto' check (origin in ('auto', 'attach', 'alias', 'user-merge', 'user-split')),
  -- the group that its first crash would have been in before: a newer algorithm, or late symbols, tell them apart
  add split_from bigint,
  -- seeker: its key names no function of the native code that died, and it looks by its link for one that does
  add link text,
  add link_role text check (link_role in ('seeker', 'target')),
  -- set by a user, not inherited
  add status_set_at timestamptz,
  -- where crashes that left for a better key went: that group while it is one and the same, else 0
  add moved_to bigint,
  -- of the group and all that are joined to it; what is shown, sorted by and counted on
  add all_count bigint not null default 0,
  add all_first_seen timestamptz,
  add all_last_seen timestamptz,
  add all_newest_crash uuid;

update groups set all_count = count, all_first_seen = first_seen, all_last_seen = last_seen, all_newest_crash = newest_crash;

alter table groups
  alter all_first_seen set not null,
  alter all_last_seen set not null,
  alter all_newest_crash set not null;

drop index groups_last_seen, groups_first_seen, groups_count;
create index groups_last_seen on groups (project_id, all_last_seen desc, id desc) where parent_id is null;
create index groups_first_seen on groups (project_id, all_first_seen desc, id desc) where parent_id is null;
create index groups_count on groups (project_id, all_count desc, id desc) where parent_id is null;
create index groups_parent on groups (parent_id) where parent_id is not null;
create index groups_seekers on groups (project_id, link) where link_role = 'seeker';
create index groups_emptied on groups (id) where count = 0 and moved_to is not null and parent_id is null;

-- A key of a newer algorithm takes over the group of an older one's key; a second such key has a group of its own.
create unique index group_keys_alias on group_keys (group_id, ruleset) where origin = 'alias';

-- Python functions (a link) from which named native functions (a group) were reached.
create table group_links (
  project_id integer not null,
  ruleset text not null,
  link text not null,
  group_id bigint not null,
  -- seekers that were saved at the same moment have been looked for
  settled boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (project_id, link, ruleset, group_id)
);

create index group_links_group on group_links (group_id);
create index group_links_unsettled on group_links (created_at) where not settled;

-- What became of groups, by whom and when.
create table group_activity (
  id bigint generated always as identity primary key,
  group_id bigint not null,
  at timestamptz not null default now(),
  -- a token's label and hint, or null: the service itself
  actor text,
  what text not null check (what in ('status', 'merge', 'unmerge', 'split', 'attach', 'alias', 'apart', 'repair')),
  detail jsonb not null
);

create index group_activity_group on group_activity (group_id, id desc);

-- First and last of what is left of a group when crashes leave it.
create index reports_group_time on reports (group_id, occurred_at);
