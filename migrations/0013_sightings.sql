-- What crashes share with others, as the engine that joins them wants it: one row for all crashes of which it is the same.
-- From these rows alone it is worked out which groups are one bug; the links of groups that did so before go.

create table sightings (
  project_id integer not null,
  -- of all that follows, but the counts
  hash uuid not null,
  ruleset text not null,
  -- of what evidence looks like
  version integer not null,
  coarse text not null,
  mid text not null,
  -- Python functions, by which groups that may be the same are listed
  link text,
  pinned boolean not null,
  -- JSON, which nothing here looks into
  evidence text not null,
  -- crashes, exact up to EXACT_SIGHTINGS; 0: they all have another one now
  count bigint not null,
  -- what count was when crashes were joined last, and whether it has changed by more than an eighth since
  noted bigint not null default 0,
  is_new boolean not null default true,
  last_seen timestamptz not null,
  primary key (project_id, hash)
) with (fillfactor = 80);

create index sightings_mid on sightings (project_id, mid);
create index sightings_link on sightings (project_id, link) where link is not null;
-- No index has the counts themselves: a row whose count alone changes costs no entry in any.
create index sightings_new on sightings (version, project_id, ruleset) where is_new;

-- The one that counts the crash.
alter table reports add sighting uuid;

drop table group_links;
alter table groups drop link, drop link_role;
