-- The schema of the wall: what a transaction knows about who it stands for.
-- Values live in transaction-local settings, written by wall.enter() alone (accounts/sql).
CREATE SCHEMA IF NOT EXISTS wall;
GRANT USAGE, CREATE ON SCHEMA wall TO iom_functions;
GRANT USAGE ON SCHEMA wall TO iom_app;
GRANT USAGE ON SCHEMA public TO iom_functions, iom_app;

CREATE OR REPLACE FUNCTION wall.person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('wall.person', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION wall.has_user() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('wall.person', true), '') <> '' $$;
-- Organisations in which this person reads case files …
CREATE OR REPLACE FUNCTION wall.reads() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.reads', true), '')::uuid[], '{}') $$;
-- … writes them …
CREATE OR REPLACE FUNCTION wall.edits() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.edits', true), '')::uuid[], '{}') $$;
-- … sees references and figures …
CREATE OR REPLACE FUNCTION wall.figures() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.figures', true), '')::uuid[], '{}') $$;
-- … sees them of single programmes, and of which ones; `shows()` are both kinds of organisations, so that a policy has
-- one list to look an access row up by …
CREATE OR REPLACE FUNCTION wall.shows() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.shows', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION wall.programmes() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.programmes', true), '')::uuid[], '{}') $$;
-- … and decides on figures (endorses, approves, pays).
CREATE OR REPLACE FUNCTION wall.decides() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.decides', true), '')::uuid[], '{}') $$;
-- Organisations whose lists this person takes out, and where they let others take out long ones.
CREATE OR REPLACE FUNCTION wall.exports() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.exports', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION wall.releases() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.releases', true), '')::uuid[], '{}') $$;
-- Whether this person reads the log: IOM's auditor.
CREATE OR REPLACE FUNCTION wall.audits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('wall.audits', true), '') = 'true' $$;
-- Organisations in which this person reads restricted notes, and counselling notes.
CREATE OR REPLACE FUNCTION wall.restricted() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.restricted', true), '')::uuid[], '{}') $$;
CREATE OR REPLACE FUNCTION wall.counselling() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('wall.counselling', true), '')::uuid[], '{}') $$;

-- What only a sweep asks, which stands for nobody: refused in the place of anybody. Returns the moment that was passed, or
-- now where that lies ahead of the database's clock: a lease or a file isn't over because a caller says so.
CREATE OR REPLACE FUNCTION wall.sweep_moment(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF wall.has_user() THEN
        RAISE EXCEPTION 'a sweep stands for nobody' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN least(at, clock_timestamp());
END $$;
-- How long a sweep may keep something for itself: an hour at most.
CREATE OR REPLACE FUNCTION wall.sweep_lease(lease interval) RETURNS interval LANGUAGE sql IMMUTABLE
    AS $$ SELECT least(lease, interval '1 hour') $$;

GRANT EXECUTE ON FUNCTION wall.exports(), wall.releases() TO iom_app;
GRANT EXECUTE ON FUNCTION wall.restricted(), wall.counselling(), wall.shows(), wall.programmes() TO iom_app;
GRANT EXECUTE ON FUNCTION wall.person(), wall.has_user(), wall.reads(), wall.edits(), wall.figures(),
    wall.decides(), wall.audits() TO iom_app;
