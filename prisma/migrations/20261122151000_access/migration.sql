-- Keys for REST and GraphQL, and the trail of what was done with them. Both are small: reference tables on Citus.

create table api_key (
  prefix text not null,
  name text not null,
  hash bytea not null,
  scopes text[] not null,
  sources text[],
  created_at timestamptz(3) not null,
  created_by text not null,
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  revoked_by text,
  last_used_at timestamptz(3),
  constraint api_key_pkey primary key (prefix),
  constraint api_key_hash_check check (length(hash) = 32),
  constraint api_key_revoked_check check ((revoked_at is null) = (revoked_by is null))
);
comment on table api_key is
  'Keys by the part of them that may be shown. Of the secret there is its SHA-256 alone; a revoked key stays, so that what it did keeps a name.';

create table audit (
  id uuid not null,
  at timestamptz(3) not null,
  kind text not null,
  who text not null,
  key_prefix text,
  address text not null,
  action text not null,
  subject text,
  detail text,
  times integer not null,
  constraint audit_pkey primary key (id),
  constraint audit_kind_check check (kind in ('change', 'clear_read', 'refused')),
  constraint audit_times_check check (times > 0)
);
comment on table audit is
  'Append-only: every change that was asked for and every read of clear numbers, reads of one kind counted by the minute. No number is in it.';
-- "what was done lately, the newest first"
create index audit_at_idx on audit (at desc, id desc);
