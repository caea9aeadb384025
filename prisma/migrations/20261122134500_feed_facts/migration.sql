-- What was not taken in, as a fact all receivers share; what a source's rhythm is; and folds that are still owed.

create table overflow (
  id uuid not null,
  receiver_id uuid not null,
  source_key text,
  reason text not null,
  start_at timestamptz(3) not null,
  end_at timestamptz(3) not null,
  dropped bigint not null,
  received bigint not null,
  constraint overflow_pkey primary key (id),
  constraint overflow_span_check check (start_at <= end_at),
  constraint overflow_counts_check check (dropped > 0 and received >= 0)
);
comment on table overflow is
  'Append-only feed facts. One span per key in which one receiver dropped datagrams: reason is kernel, or why they were '
  'refused; source_key is null where the kernel dropped them unread.';
comment on column overflow.received is 'What was taken in beside them: of the source, or of all where it is not known.';
-- "the overflows that touch [a, b)": the fold and the sweep ask by the end, newest first
create index overflow_end_at_idx on overflow (end_at);

-- When and for how long a source was silent in a window: null before this migration.
alter table loss_window add column rhythm json;
comment on column loss_window.rhythm is
  'The source''s rhythm: seconds of the window with a notification, and the longest silence that ended in it.';

-- The version of the meaning that all calls of the source have been folded under: a receiver killed before it folded
-- owes the fold to the next one.
alter table source
  add column folded_version integer not null default 0,
  add column silent_after_ms bigint,
  add constraint source_silent_after_check check (silent_after_ms > 0);
update source set folded_version = meaning_version;
comment on column source.folded_version is 'Up to which meaning_version the calls of the source have been folded again.';
comment on column source.silent_after_ms is 'A silence longer than this is unusual now; null until its rhythm is learned.';

-- "the spans of this source": the feed tells from an open silence that a source is silent
drop index gap_source_span_idx;
create index gap_source_span_idx on gap (source_key) where kind in ('outage', 'overflow', 'silence', 'quarantine');
