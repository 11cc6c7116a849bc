-- The database roles and the database, made by a superuser through psql; may run any number of times.
--
--   iom_owner      owns the databases and every table; migrations and bulk loading only. BYPASSRLS, as a
--                  data migration under forced policies would otherwise touch no row, and say nothing.
--   iom_app        what the site, the worker and beat connect as: owns nothing, bypasses nothing, and is
--                  a member of nothing.
--   iom_functions  nobody signs in as it: owns the reviewed SECURITY DEFINER functions, which must see
--                  rows that their caller may not.
--
-- Passwords come from psql's environment (OWNER_PASSWORD, APP_PASSWORD), so that none is in a file or on
-- a command line; without them the passwords stay as they are.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET log_statement = 'none';
SET log_min_error_statement = 'panic';

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['iom_owner', 'iom_app', 'iom_functions']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE iom_owner LOGIN CREATEDB BYPASSRLS NOSUPERUSER NOCREATEROLE NOREPLICATION;
ALTER ROLE iom_app LOGIN NOCREATEDB NOBYPASSRLS NOSUPERUSER NOCREATEROLE NOREPLICATION;
ALTER ROLE iom_functions NOLOGIN NOCREATEDB BYPASSRLS NOSUPERUSER NOCREATEROLE NOREPLICATION;
GRANT iom_functions TO iom_owner;

-- The server's log is no place for names and telephones either: a statement that fails holds them, and so does the detail
-- of what was refused.
ALTER ROLE iom_app SET log_min_error_statement = 'panic';
ALTER ROLE iom_app SET log_error_verbosity = 'terse';
ALTER ROLE iom_app SET log_statement = 'none';
ALTER ROLE iom_app SET log_min_duration_statement = -1;
ALTER ROLE iom_owner SET log_min_error_statement = 'panic';
ALTER ROLE iom_owner SET log_error_verbosity = 'terse';

SELECT format('REVOKE %I FROM iom_app', granted.rolname)
FROM pg_auth_members
JOIN pg_roles AS granted ON granted.oid = roleid
JOIN pg_roles AS member ON member.oid = pg_auth_members.member
WHERE member.rolname = 'iom_app'
\gexec

\getenv owner_password OWNER_PASSWORD
\if :{?owner_password}
ALTER ROLE iom_owner PASSWORD :'owner_password';
\endif
\getenv app_password APP_PASSWORD
\if :{?app_password}
ALTER ROLE iom_app PASSWORD :'app_password';
\endif

SELECT 'CREATE DATABASE iom_cases OWNER iom_owner ENCODING ''UTF8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'iom_cases')
\gexec

ALTER DATABASE iom_cases OWNER TO iom_owner;
REVOKE ALL ON DATABASE iom_cases FROM PUBLIC;
GRANT CONNECT ON DATABASE iom_cases TO iom_app;

\connect iom_cases
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
