-- The access schema: the context of a transaction, that is which user it acts for and with which rights.
-- Values are transaction-local settings, written only by access.enter() (accounts/sql).
CREATE SCHEMA IF NOT EXISTS access;
GRANT USAGE, CREATE ON SCHEMA access TO iom_functions;
GRANT USAGE ON SCHEMA access TO iom_app;
GRANT USAGE ON SCHEMA public TO iom_functions, iom_app;

CREATE OR REPLACE FUNCTION access.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('access.user_id', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION access.has_user() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.user_id', true), '') <> '' $$;
-- Organisations in which the user reads case files …
CREATE OR REPLACE FUNCTION access.reads() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.reads', true), '')::uuid[], '{}') $$;
-- … changes them …
CREATE OR REPLACE FUNCTION access.edits() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.edits', true), '')::uuid[], '{}') $$;
-- … sees case references and amounts (summary access) …
CREATE OR REPLACE FUNCTION access.summaries() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.summaries', true), '')::uuid[], '{}') $$;
-- … has summary access to all or to single programmes (`shows`), and these programmes (`programmes`). `shows` contains
-- both kinds of organisations, so that a policy needs one list to find an access row …
CREATE OR REPLACE FUNCTION access.shows() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.shows', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.programmes() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.programmes', true), '')::uuid[], '{}') $$;
-- … and decides on amounts (endorses, approves, pays).
CREATE OR REPLACE FUNCTION access.decides() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.decides', true), '')::uuid[], '{}') $$;
-- Organisations whose rows the user exports, and in which the user approves other users' long exports.
CREATE OR REPLACE FUNCTION access.exports() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.exports', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.releases() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.releases', true), '')::uuid[], '{}') $$;
-- Whether the user reads the audit log: IOM's auditor.
CREATE OR REPLACE FUNCTION access.audits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.audits', true), '') = 'true' $$;
-- Organisations in which the user reads restricted notes, and counselling notes.
CREATE OR REPLACE FUNCTION access.restricted() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.restricted', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.counselling() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.counselling', true), '')::uuid[], '{}') $$;

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

GRANT EXECUTE ON FUNCTION access.exports(), access.releases() TO iom_app;
GRANT EXECUTE ON FUNCTION access.restricted(), access.counselling(), access.shows(), access.programmes() TO iom_app;
GRANT EXECUTE ON FUNCTION access.user_id(), access.has_user(), access.reads(), access.edits(), access.summaries(),
    access.decides(), access.audits() TO iom_app;
