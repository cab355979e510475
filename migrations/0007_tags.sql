-- Tags, so that crashes and groups are found by them. A tag is a number: the first eight bytes of the SHA-256 of
-- "name:value", which keeps rows and keys small whatever clients call things. Written with the report, in its
-- transaction; the words themselves are in the crash's metadata.

-- Partitioned like the crashes, by the crash's id.
create table crash_tags (
  tag bigint not null,
  crash_id uuid not null,
  primary key (tag, crash_id)
) partition by range (crash_id);

create table group_tags (
  tag bigint not null,
  group_id bigint not null,
  -- the last day that brought a crash of it; past the retention the row goes
  seen date not null,
  primary key (tag, group_id)
);

create index group_tags_seen on group_tags (seen);
