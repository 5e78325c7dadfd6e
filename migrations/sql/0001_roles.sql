-- The role that every transaction runs as. It owns nothing, can't log in, and is under row-level security.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tasktalk_app') THEN
        CREATE ROLE tasktalk_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was being migrated
END
$$;

DO $$
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, 'tasktalk_app', 'SET') THEN
        EXECUTE format('GRANT tasktalk_app TO %I WITH SET TRUE', current_user);
    END IF;
END
$$;
