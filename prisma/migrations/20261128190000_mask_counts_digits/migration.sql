-- As maskedNumber of src/log.mask.ts; test/db/bi.spec.ts compares the two. The signs of service codes are no digits: counted as
-- such they left five digits of #31#4420 to be seen.
create or replace function bi_masked(number text) returns text language sql immutable strict parallel safe
return case
  when number !~ '[0-9]' then number
  else left(number, (number like '+%')::integer)
    || left(regexp_replace(number, '[^0-9]', '', 'g'), greatest(0, least(4, length(regexp_replace(number, '[^0-9]', '', 'g')) - 7)))
    || '*****'
    || case when length(regexp_replace(number, '[^0-9]', '', 'g')) < 7 then '' else right(regexp_replace(number, '[^0-9]', '', 'g'), 2) end
end;
