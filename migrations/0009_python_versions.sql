-- A release may hold one compiled file a path for each version of Python: a wheel built for several, or a host that was
-- moved to a newer interpreter. The crash's own version chooses among them.

alter table release_files add column python text not null default '';

update release_files p set python = f.python_version from symbol_files f
 where f.sha256 = p.sha256 and p.kind = 'pyc' and f.python_version is not null;

alter table release_files drop constraint release_files_pkey;
alter table release_files add primary key (release_id, kind, path, python);
