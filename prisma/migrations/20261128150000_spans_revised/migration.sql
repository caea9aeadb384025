-- Nullable and without a default, so that nothing is rewritten: of spans that closed before, nothing is known to be revised by.
alter table gap add column expected_lost double precision;
alter table gap add constraint gap_expected_lost_check check (expected_lost >= 0) not valid;
alter table gap validate constraint gap_expected_lost_check;
comment on column gap.expected_lost is
  'Of a closed span of time, what it may have cost in all; estimated_lost is what of that serials and states do not show. Null of everything else.';
-- "the spans that closed in the last hours": the sweep sees what of them has come to show since
create index gap_closed_span_idx on gap (closed_at)
  where kind in ('outage', 'overflow', 'silence') and status in ('lost', 'explained');
