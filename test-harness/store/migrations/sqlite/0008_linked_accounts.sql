-- Accounts with links to others: the accounts of one person are found without reading those of all.
create index account_linked on account_version (system, object) where body like '%"links":%';
