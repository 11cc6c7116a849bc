-- Whoever gives access never chooses the credential: only the user sets their own password and confirms their own token.
CREATE OR REPLACE FUNCTION access.own_password() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.password <> '' AND NEW.password NOT LIKE '!%' AND NEW.id IS DISTINCT FROM access.user_id()
       AND (TG_OP = 'INSERT' OR NEW.password IS DISTINCT FROM OLD.password) THEN
        RAISE EXCEPTION 'nobody sets the password of another' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_user_own_password';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER own_password BEFORE INSERT OR UPDATE OF password ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION access.own_password();

CREATE OR REPLACE FUNCTION access.own_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.user_id, NEW.digest) IS DISTINCT FROM (OLD.user_id, OLD.digest) THEN
        RAISE EXCEPTION 'a token stays its own user''s' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_token_own';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL OR NEW.expires_on > OLD.expires_on) THEN
        RAISE EXCEPTION 'a token that ended opens nothing again' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_token_own';
    END IF;
    IF NEW.confirmed_at IS NOT NULL AND NEW.user_id IS DISTINCT FROM access.user_id()
       AND (TG_OP = 'INSERT' OR NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at) THEN
        RAISE EXCEPTION 'a token is confirmed by its own user' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'accounts_token_own';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER own_token BEFORE INSERT OR UPDATE ON accounts_apitoken
    FOR EACH ROW EXECUTE FUNCTION access.own_token();
