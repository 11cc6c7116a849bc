-- The access schema, and for which user a transaction acts. access.enter() (accounts/sql) alone writes the context's
-- settings, which end with the transaction.
GRANT USAGE, CREATE ON SCHEMA access TO iom_functions;
GRANT USAGE ON SCHEMA access TO iom_app;
GRANT USAGE ON SCHEMA public TO iom_functions, iom_app;

CREATE OR REPLACE FUNCTION access.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('access.user_id', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION access.has_user() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.user_id', true), '') <> '' $$;

-- Called by functions that only background sweeps may use: refused if the transaction acts for a user. Returns `at`, or
-- now if `at` lies in the future of the database's clock, so that no caller can make a lease or a file expire early.
CREATE OR REPLACE FUNCTION access.sweep_moment(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF access.has_user() THEN
        RAISE EXCEPTION 'a sweep acts for nobody' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN least(at, clock_timestamp());
END $$;
-- Limit the time for which a sweep may lease a row: one hour at most.
CREATE OR REPLACE FUNCTION access.sweep_lease(lease interval) RETURNS interval LANGUAGE sql IMMUTABLE
    AS $$ SELECT least(lease, interval '1 hour') $$;

GRANT EXECUTE ON FUNCTION access.user_id(), access.has_user() TO iom_app;
