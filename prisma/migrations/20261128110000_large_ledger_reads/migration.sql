-- GET /calls?sort=endedAt and ?sort=talkMs: of 50,000 active calls a handful has ended and is not settled yet, and every page read all of
-- them to find it (docs/benchmarks.md). A call comes into these once, with the write of its end, which keeps no other index still either.
create index call_unsettled_ended_at_idx on call_unsettled ((coalesce(ended_at, presumed_ended_at)) desc, id desc)
  where coalesce(ended_at, presumed_ended_at) is not null;
create index call_unsettled_talk_ms_idx on call_unsettled (talk_ms desc nulls last, id desc) where talk_ms is not null;

-- "the last calls that ended so, were answered, lasted so long": the newest 50,000 calls are active, and a page in the order of their begin
-- walked past all of them to the first that has ended (50 ms).
create index call_unsettled_ended_idx on call_unsettled (first_seen_at desc, id desc) where disposition is not null;
-- "how many calls are active", by the index alone, and "whose stale limit has passed", which the sweep asks each second: both read all of them (40 ms).
create index call_unsettled_stale_idx on call_unsettled (stale_at, settled) where stale_at is not null;
-- When an unsettled call began to go on is its first receipt, but where a switch posted an earlier event time.
create index call_unsettled_posted_idx on call_unsettled (least(first_seen_at, ringing_at, answered_at))
  where least(first_seen_at, ringing_at, answered_at) < first_seen_at;
-- "the gaps of this day" of a year of them: neither end alone says where to begin, and half of all gaps were read.
create index gap_span_idx on gap using gist (tstzrange(from_at, to_at, '[]')) where status in ('open', 'lost') or kind = 'outage';

-- How many calls have a number that begins so, or holds this, is guessed from a sample of the column: 100 values told 1 % of 10 million from
-- none so badly that "*5551*" fetched 97,000 calls (1.5 s) where walking back 10,000 finds a page (26 ms). Analyzing 10 million takes 17 s so.
alter table call_settled alter column caller_number set statistics 1000, alter column callee_number set statistics 1000,
  alter column forward_number set statistics 1000, alter column call_id set statistics 1000;

-- The comment named a file of the source, which has moved.
comment on table number_form is 'One row per number of a source that its rules can read: the number as received, and in E.164. Made by the receivers from what they stored; without rules there is none.';
