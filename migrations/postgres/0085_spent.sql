-- What the brake on sign-ups counts is found without a look at every mail of the hour: those that waited, and those that came back.
create index confirmation_mail_waited_idx on confirmation_mail (sent_at) where waited = 1;
create index confirmation_mail_waited_domain_idx on confirmation_mail (domain, sent_at) where waited = 1;
create index confirmation_mail_back_network_idx on confirmation_mail (network, sent_at) where weight > 1;
create index confirmation_mail_back_domain_idx on confirmation_mail (domain, sent_at) where weight > 1;
