-- GET /calls?sort=endedAt and ?sort=talkMs: of 50,000 active calls a handful has ended and is not settled yet, and every page read all of
-- them to find it (docs/benchmarks.md). A call comes into these once, with the write of its end, which keeps no other index still either.
create index call_unsettled_ended_at_idx on call_unsettled ((coalesce(ended_at, presumed_ended_at)) desc, id desc)
  where coalesce(ended_at, presumed_ended_at) is not null;
create index call_unsettled_talk_ms_idx on call_unsettled (talk_ms desc nulls last, id desc) where talk_ms is not null;

-- The comment named a file of the source, which has moved.
comment on table number_form is 'One row per number of a source that its rules can read: the number as received, and in E.164. Made by the receivers from what they stored; without rules there is none.';
