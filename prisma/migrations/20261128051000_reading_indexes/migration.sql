-- What reads of a large ledger were slow without (docs/benchmarks.md).

-- "the last calls of this source to end": GET /calls?source=&sort=-endedAt, which billing asks, and every key bound to sources
create index call_settled_source_ended_idx on call_settled (source_key, (coalesce(ended_at, presumed_ended_at)) desc, id desc);
-- "the longest talks forwarded to this number": few numbers are forwarded to, so each has many
create index call_settled_forward_talk_idx on call_settled (forward_number, talk_ms desc nulls last, id desc)
  where forward_number is not null and talk_ms is not null;

-- "has this call an open or lost gap": GET /calls?hasGaps=, asked of one call after the other in the order of the page
create index gap_call_missing_idx on gap (ledger_key) where status in ('open', 'lost') and call_key is not null;
-- "the gaps of a source around a call": GET /calls/{id}; a day of a source has thousands of gaps, most of them of single calls
create index gap_source_own_idx on gap (source_key, from_at) where status in ('open', 'lost') and call_key is null;
