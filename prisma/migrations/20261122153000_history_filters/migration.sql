-- What the filters of /calls read. History alone has these: call_unsettled is small enough to be read whole.

-- "the newest calls of this menu": GET /calls?menuId=
create index call_settled_menu_idx on call_settled (menu_id, first_seen_at desc, id desc);
-- "the newest calls of this source": GET /calls?source=, and every list for a key that is bound to sources
create index call_settled_source_idx on call_settled (source_key, first_seen_at desc, id desc);
-- "the newest calls of which nobody knows whether they were answered": GET /calls?disposition=unknown. The other two
-- are common enough to be met on the way through call_first_seen_at_idx.
create index call_settled_unknown_idx on call_settled (first_seen_at desc, id desc) where disposition = 'unknown';
-- "the newest calls whose Bye was never seen": GET /calls?endProvenance=presumed
create index call_settled_presumed_idx on call_settled (first_seen_at desc, id desc) where end_provenance = 'presumed';
-- "the newest calls by what their disposition rests on": GET /calls?dispositionBasis=; a source has few of one of them
create index call_settled_basis_idx on call_settled (disposition_basis, first_seen_at desc, id desc)
  where disposition_basis in ('proven', 'inferred');
-- "calls that rang for so long": GET /calls?minRingMs=&maxRingMs=
create index call_settled_ring_ms_idx on call_settled (ring_ms);
-- "calls that began to ring, or were answered, in [from, to)": GET /calls?by=ringingAt, by=answeredAt
create index call_settled_ringing_at_idx on call_settled (ringing_at);
create index call_settled_answered_at_idx on call_settled (answered_at);

-- "the newest calls of this number": one that half of all calls go to is read in the order of the page. They serve
-- prefixes (4420*) as before.
drop index call_settled_caller_number_idx;
drop index call_settled_callee_number_idx;
drop index call_settled_forward_number_idx;
create index call_settled_caller_number_idx on call_settled (caller_number text_pattern_ops, first_seen_at desc, id desc);
create index call_settled_callee_number_idx on call_settled (callee_number text_pattern_ops, first_seen_at desc, id desc);
create index call_settled_forward_number_idx
  on call_settled (forward_number text_pattern_ops, first_seen_at desc, id desc) where forward_number is not null;

-- "the calls under this Call ID", whatever the source: GET /calls?callId=
drop index call_settled_call_id_idx;
create index call_settled_call_id_idx on call_settled (call_id, source_key);

-- "calls with these digits somewhere in a number, or this text in the Call ID": GET /calls?caller=*5551*&q=. One index on the
-- four, each of which can be asked alone. Without pg_trgm (it comes with PostgreSQL's contrib modules, and a role that may
-- not create on the database cannot add it) the same questions read history whole, and the migration says so.
do $$
begin
  create extension if not exists pg_trgm with schema public;
  create index call_settled_part_idx on call_settled
    using gin (caller_number gin_trgm_ops, callee_number gin_trgm_ops, forward_number gin_trgm_ops, call_id gin_trgm_ops);
exception
  when insufficient_privilege or undefined_file or feature_not_supported or invalid_schema_name or undefined_object then
    raise notice 'pg_trgm is missing: numbers are found by part, and texts by q, without an index';
end
$$;
