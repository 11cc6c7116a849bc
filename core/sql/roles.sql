-- Create the database roles and the database, as a superuser through psql. May run any number of times.
--
--   iom_owner      owns the database and every table; for migrations and bulk loading only. BYPASSRLS, as a data
--                  migration under forced policies would otherwise silently change no row.
--   iom_app        used by the site, the worker and beat: owns nothing, bypasses nothing, is a member of nothing.
--   iom_functions  can't log in: owns the reviewed SECURITY DEFINER functions, which must see rows that their
--                  caller may not.
--
-- Passwords come from psql's environment (OWNER_PASSWORD, APP_PASSWORD), so that none is in a file or on a command
-- line; without them the passwords don't change.

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

-- Keep personal data out of the server's log: a failed statement contains it, and so does the DETAIL of a refusal.
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
