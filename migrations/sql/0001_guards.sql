-- What the database refuses by itself, whatever the code does.

CREATE FUNCTION tasktalk.refuse_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% rows are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER messages_are_immutable BEFORE UPDATE ON tasktalk.messages
    FOR EACH ROW EXECUTE FUNCTION tasktalk.refuse_update();
CREATE TRIGGER task_revisions_are_immutable BEFORE UPDATE ON tasktalk.task_revisions
    FOR EACH ROW EXECUTE FUNCTION tasktalk.refuse_update();
CREATE TRIGGER change_log_is_immutable BEFORE UPDATE ON tasktalk.change_log
    FOR EACH ROW EXECUTE FUNCTION tasktalk.refuse_update();
CREATE TRIGGER rounds_are_immutable BEFORE UPDATE ON tasktalk.rounds
    FOR EACH ROW EXECUTE FUNCTION tasktalk.refuse_update();

CREATE FUNCTION tasktalk.check_tool_call_step() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            RAISE EXCEPTION 'a tool call starts PENDING, not %', NEW.status USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN
            (('PENDING', 'PROCESSING'), ('PENDING', 'FAILED'), ('PROCESSING', 'COMPLETED'), ('PROCESSING', 'FAILED')) THEN
        RAISE EXCEPTION 'a tool call can''t go from % to %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER tool_call_steps BEFORE INSERT OR UPDATE OF status ON tasktalk.tool_calls
    FOR EACH ROW EXECUTE FUNCTION tasktalk.check_tool_call_step();

CREATE FUNCTION tasktalk.check_turn_step() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'QUEUED' THEN
            RAISE EXCEPTION 'a turn starts QUEUED, not %', NEW.status USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN
            (('QUEUED', 'RUNNING'), ('QUEUED', 'FAILED'), ('RUNNING', 'QUEUED'), ('RUNNING', 'COMPLETED'),
             ('RUNNING', 'FAILED')) THEN
        RAISE EXCEPTION 'a turn can''t go from % to %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER turn_steps BEFORE INSERT OR UPDATE OF status ON tasktalk.turns
    FOR EACH ROW EXECUTE FUNCTION tasktalk.check_turn_step();
