-- The schema of the access policies: what a transaction knows about who it stands for.
-- Values live in transaction-local settings, written by access.enter() alone (accounts/sql).
CREATE SCHEMA IF NOT EXISTS access;
GRANT USAGE, CREATE ON SCHEMA access TO iom_functions;
GRANT USAGE ON SCHEMA access TO iom_app;
GRANT USAGE ON SCHEMA public TO iom_functions, iom_app;

CREATE OR REPLACE FUNCTION access.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('access.user_id', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION access.has_user() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.user_id', true), '') <> '' $$;
-- Organisations in which this person reads case files …
CREATE OR REPLACE FUNCTION access.reads() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.reads', true), '')::uuid[], '{}') $$;
-- … writes them …
CREATE OR REPLACE FUNCTION access.edits() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.edits', true), '')::uuid[], '{}') $$;
-- … sees references and figures …
CREATE OR REPLACE FUNCTION access.summaries() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.summaries', true), '')::uuid[], '{}') $$;
-- … sees them of single programmes, and of which ones; `shows()` are both kinds of organisations, so that a policy has
-- one list to look an access row up by …
CREATE OR REPLACE FUNCTION access.shows() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.shows', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.programmes() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.programmes', true), '')::uuid[], '{}') $$;
-- … and decides on figures (endorses, approves, pays).
CREATE OR REPLACE FUNCTION access.decides() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.decides', true), '')::uuid[], '{}') $$;
-- Organisations whose lists this person takes out, and where they let others take out long ones.
CREATE OR REPLACE FUNCTION access.exports() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.exports', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.releases() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.releases', true), '')::uuid[], '{}') $$;
-- Whether this person reads the log: IOM's auditor.
CREATE OR REPLACE FUNCTION access.audits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('access.audits', true), '') = 'true' $$;
-- Organisations in which this person reads restricted notes, and counselling notes.
CREATE OR REPLACE FUNCTION access.restricted() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.restricted', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION access.counselling() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('access.counselling', true), '')::uuid[], '{}') $$;

-- What only a sweep asks, which stands for nobody: refused in the place of anybody. Returns the moment that was passed, or
-- now where that lies ahead of the database's clock: a lease or a file isn't over because a caller says so.
CREATE OR REPLACE FUNCTION access.sweep_moment(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF access.has_user() THEN
        RAISE EXCEPTION 'a sweep stands for nobody' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN least(at, clock_timestamp());
END $$;
-- How long a sweep may keep something for itself: an hour at most.
CREATE OR REPLACE FUNCTION access.sweep_lease(lease interval) RETURNS interval LANGUAGE sql IMMUTABLE
    AS $$ SELECT least(lease, interval '1 hour') $$;

GRANT EXECUTE ON FUNCTION access.exports(), access.releases() TO iom_app;
GRANT EXECUTE ON FUNCTION access.restricted(), access.counselling(), access.shows(), access.programmes() TO iom_app;
GRANT EXECUTE ON FUNCTION access.user_id(), access.has_user(), access.reads(), access.edits(), access.summaries(),
    access.decides(), access.audits() TO iom_app;
