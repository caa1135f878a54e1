-- Accounts that raise the level of what they reach: those who reach a resource come in the order of their levels.
create index account_raises on account_version (system, raises_level, object) where raises_level is not null;
