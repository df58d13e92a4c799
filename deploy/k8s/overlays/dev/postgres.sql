-- Run once, by the owner, on a new database: the role that the servers log in as. It reads and
-- writes rows of the owner's tables, present and future, and can make, change or drop none.
\set password `cat /run/secrets/postgres_password`
CREATE ROLE sessionlab LOGIN PASSWORD :'password';
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sessionlab;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO sessionlab;
