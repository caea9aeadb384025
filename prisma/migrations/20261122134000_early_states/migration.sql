-- States known to come before any ringing (the HTTP twin's Setup, Invite, Trying, ...) are kept apart from those nobody knows.
alter table notification drop constraint notification_state_check;
alter table notification add constraint notification_state_check
  check (state in ('ringing', '180', '183', 'ok', 'bye') or state like 'early:%' or state like 'other:%');
