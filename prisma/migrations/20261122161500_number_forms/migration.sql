-- Numbers in E.164, by rules an operator sets for a source (src/sources/number-rules.ts). They are no part of the record: what was
-- received stays, and its reading follows the rules of today.
alter table source add column number_rules json;
alter table source add column number_rules_version integer not null default 0;
alter table source add column numbers_through bigint;
comment on column source.number_rules is 'How its numbers are read in E.164 (NumberRules); null: not at all.';
comment on column source.number_rules_version is 'How often the rules were set: what was read under older ones is void.';
comment on column source.numbers_through is
  'Up to which tx of call_change its numbers have been read; null until those of all its calls have been.';

create table number_form (
  of_source text not null,
  of_number text not null,
  e164 text collate "C" not null,
  constraint number_form_pkey primary key (of_source, of_number),
  constraint number_form_e164_check check (e164 ~ '^\+[1-9][0-9]{1,14}$')
);
comment on table number_form is
  'One row per number of a source that its rules can read: the number as received, and in E.164. Made by the receivers from '
  'what they stored (src/store/number-forms.ts); without rules there is none.';
-- "what is written +4420...": the filters callerE164 and calleeE164 of GET /calls; in the order of bytes, so that it serves prefixes
create index number_form_e164_idx on number_form (e164);
