-- Nullable and without a default, so that nothing is rewritten: windows that closed before are estimated by p, as they were.
alter table loss_window add column p_mean double precision;
alter table loss_window add constraint loss_window_p_mean_check check (p_mean >= 0 and p_mean <= 1) not valid;
alter table loss_window validate constraint loss_window_p_mean_check;
comment on column loss_window.p_mean is
  'Loss per datagram as likely too small as too large, which estimates rest on; p, which outcomes are inferred by, is rather too small.';
