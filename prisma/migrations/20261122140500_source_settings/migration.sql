-- How an operator wants a source answered, and who changed what of a source, with before and after.

alter table source add column ack_form json;
comment on column source.ack_form is 'How acks differ from the mirror of the request; null: not at all.';

create table source_change (
  source_key text not null,
  id uuid not null,
  at timestamptz(3) not null,
  by text not null,
  field text not null,
  before text,
  after text,
  constraint source_change_pkey primary key (source_key, id),
  constraint source_change_differs_check check (before is distinct from after)
);
comment on table source_change is
  'Append-only: one row per field an operator or learning changed of a source. Null: there was, or is, none.';
-- "the changes of this source, the newest first"
create index source_change_at_idx on source_change (source_key, at desc, id desc);
