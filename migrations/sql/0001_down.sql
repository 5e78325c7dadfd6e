-- Everything but the schema itself and Alembic's own table, which it still writes to.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT relname FROM pg_class WHERE relnamespace = 'tasktalk'::regnamespace AND relkind = 'r'
        AND relname <> 'alembic_version' LOOP
        EXECUTE format('DROP TABLE IF EXISTS tasktalk.%I CASCADE', made.relname);
    END LOOP;
    FOR made IN SELECT oid::regprocedure AS signature FROM pg_proc WHERE pronamespace = 'tasktalk'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', made.signature);
    END LOOP;
    FOR made IN SELECT typname FROM pg_type WHERE typnamespace = 'tasktalk'::regnamespace AND typtype IN ('e', 'c')
        AND typname <> 'alembic_version' LOOP
        EXECUTE format('DROP TYPE IF EXISTS tasktalk.%I CASCADE', made.typname);
    END LOOP;
    REVOKE ALL ON tasktalk.alembic_version FROM tasktalk_app;
    REVOKE ALL ON SCHEMA tasktalk FROM tasktalk_app;
END
$$;
