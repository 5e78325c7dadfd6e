-- Search's keys are made from the change log and not in the transaction of the change. The log is gapless and each change
-- is in it with its commit, so what is to be done is what lies behind a user's position, and costs no write of its own.
--
-- A document has one key a word and one for its first three letters. What else a word of a query may stand for says the
-- vocabulary: each word's marks are hashes of its stem, of what is left of it without one of its letters, and of its
-- pairs of letters, so that it is found by a form, a slip or a part of it.

-- A text as words are read from it: without accents (NFKD, then what is left put together again), with a space for every
-- mark that stands between words, and with one in scripts that have none: cut into pairs of letters.
CREATE FUNCTION tasktalk.search_plain(body text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN pg_catalog.octet_length(body) = pg_catalog.char_length(body)
                THEN pg_catalog.regexp_replace(body, '[^A-Za-z0-9\s]+', ' ', 'g')
                ELSE pg_catalog.regexp_replace(pg_catalog.regexp_replace(
                    pg_catalog.normalize(pg_catalog.regexp_replace(
                        pg_catalog.normalize(body, 'NFKD'), '[\u0300-\u036f]+', '', 'g'), 'NFC'),
                    '[-_./@\\„“”‘’«»‹›…–—·¿¡、。「」''"`!?;:,()\[\]{}<>&=+*#%$^|~]+', ' ', 'g'),
                    '([\u3040-\u30ff\u3400-\u9fff])(?=([\u3040-\u30ff\u3400-\u9fff]))', '\1\2 ', 'g') END
$$;

-- The words of a text, each once, in lower case.
CREATE FUNCTION tasktalk.search_words(body text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', tasktalk.search_plain(body)))
$$;

-- Hashes are those that hash partitioning rests on, so a new version of PostgreSQL doesn't change them.
CREATE FUNCTION tasktalk.search_key(owner text, word text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (pg_catalog.hashtextextended(word, pg_catalog.hashtextextended(owner, 0)) >> 32)::integer
$$;

-- The keys of words: of each itself, and of its first three letters.
CREATE FUNCTION tasktalk.search_keys(owner text, words text[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT tasktalk.search_key(owner, '=' || word) FROM pg_catalog.unnest(words) AS word
                 UNION ALL
                 SELECT DISTINCT tasktalk.search_key(owner, '<' || pg_catalog.left(word, 3))
                 FROM pg_catalog.unnest(words) AS word WHERE pg_catalog.length(word) > 3)
$$;

-- The keys of a word and of what is left of it without one of its letters: two words that are a slip of the finger apart
-- (a letter too many, too few, another, or two exchanged) share one. Of words of four to sixteen letters that are no
-- numbers.
CREATE FUNCTION tasktalk.search_slips(owner text, word text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT tasktalk.search_key(owner, pg_catalog.left(word, n - 1) || pg_catalog.substr(word, n + 1))
                 FROM pg_catalog.generate_series(1, pg_catalog.length(word) + 1) AS n
                 WHERE pg_catalog.length(word) BETWEEN 4 AND 16 AND word !~ '^[0-9]+$')
$$;

-- The keys of a word's pairs of letters: a word that has a part has all pairs of the part.
CREATE FUNCTION tasktalk.search_pairs(owner text, word text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT DISTINCT tasktalk.search_key(owner, '+' || pg_catalog.substr(word, n, 2))
                 FROM pg_catalog.generate_series(1, pg_catalog.length(word) - 1) AS n)
$$;

CREATE FUNCTION tasktalk.search_stem(owner text, word text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT tasktalk.search_key(owner, '~' || coalesce((pg_catalog.ts_lexize('pg_catalog.english_stem', word))[1], word))
$$;

-- Write the documents of these rows as they are now, take away those of rows that are gone, and add to the vocabulary
-- what it lacks; in order, so that two that bring the same words wait for each other in one direction only.
CREATE FUNCTION tasktalk.search_write(owner text, of_tasks uuid[], of_messages uuid[], of_conversations uuid[])
    RETURNS void LANGUAGE sql SET search_path = tasktalk, pg_temp AS $$
    WITH found AS MATERIALIZED (
        SELECT t.id, 'TASK' AS kind, search_words(t.title) AS first, search_words(t.description) AS rest
        FROM tasks t WHERE t.user_id = owner AND t.id = ANY (of_tasks) AND t.deleted_at IS NULL
        UNION ALL
        SELECT m.id, 'MESSAGE', '{}', search_words(m.content)
        FROM messages m WHERE m.user_id = owner AND m.id = ANY (of_messages)
        UNION ALL
        SELECT c.id, 'CONVERSATION', search_words(c.title), '{}'
        FROM conversations c WHERE c.user_id = owner AND c.id = ANY (of_conversations) AND c.title <> ''
    ), gone AS (
        DELETE FROM search_documents d
        WHERE d.user_id = owner AND d.id = ANY (of_tasks || of_messages || of_conversations)
          AND NOT EXISTS (SELECT FROM found f WHERE f.id = d.id)
    ), learnt AS (
        INSERT INTO search_vocabulary (user_id, word, marks)
        SELECT owner, new.word,
               search_slips(owner, new.word) || search_stem(owner, new.word) || search_pairs(owner, new.word)
        FROM (SELECT DISTINCT word COLLATE "C" AS word FROM found f, unnest(f.first || f.rest) AS word) AS new
        WHERE NOT EXISTS (SELECT FROM search_vocabulary v WHERE v.user_id = owner AND v.word = new.word)
        ORDER BY new.word
        ON CONFLICT DO NOTHING
    )
    INSERT INTO search_documents AS d (user_id, id, kind, title_keys, keys)
    SELECT owner, f.id, f.kind, cardinality(f.titled), f.titled || search_keys(owner, f.rest)
    FROM (SELECT id, kind, rest, search_keys(owner, first) AS titled FROM found OFFSET 0) AS f
    ON CONFLICT (user_id, id) DO UPDATE SET title_keys = excluded.title_keys, keys = excluded.keys
    WHERE (d.title_keys, d.keys) IS DISTINCT FROM (excluded.title_keys, excluded.keys)
$$;

-- Go on from the user's position through at most so many entries of their log. Whether that was its end.
--
-- What is seen of the log is seen of the rows: a number is given out in the transaction's last statement. The lock keeps
-- conversations from going before their messages' documents are there to go with them.
--
-- Keys are put off to the indexes' pending lists, which sorts many of them in at once. Every search reads these lists, so
-- they are short, but for the while in which many documents are written.
CREATE FUNCTION tasktalk.search_follow(owner text, wanted bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path = tasktalk, pg_temp SET gin_pending_list_limit = '64kB' AS $$
DECLARE
    here bigint;
    newest bigint;
    upto bigint;
    said record;
BEGIN
    SELECT p.seq INTO here FROM search_positions p WHERE p.user_id = owner FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO search_positions (user_id) SELECT u.id FROM users u WHERE u.id = owner ON CONFLICT DO NOTHING;
        SELECT p.seq INTO here FROM search_positions p WHERE p.user_id = owner FOR UPDATE;
    END IF;
    SELECT c.seq INTO newest FROM change_counters c WHERE c.user_id = owner;
    upto := least(newest, here + wanted);
    IF upto - here > 200 THEN
        PERFORM set_config('gin_pending_list_limit', '16MB', true);
    END IF;
    IF upto > here THEN
        SELECT coalesce(array_agg(DISTINCT l.entity_id) FILTER (WHERE l.kind = 'TASK'), '{}') AS tasks,
               coalesce(array_agg(DISTINCT l.entity_id) FILTER (WHERE l.kind = 'MESSAGE'), '{}') AS messages,
               coalesce(array_agg(DISTINCT l.entity_id) FILTER (WHERE l.kind = 'CONVERSATION'), '{}') AS conversations,
               coalesce(array_agg(DISTINCT l.conversation_id) FILTER (WHERE l.kind = 'MESSAGE'), '{}') AS places
        INTO said FROM change_log l WHERE l.user_id = owner AND l.seq > here AND l.seq <= upto;
        PERFORM FROM conversations c WHERE c.user_id = owner AND c.id = ANY (said.places) ORDER BY c.id FOR KEY SHARE;
        PERFORM search_write(owner, said.tasks, said.messages, said.conversations);
        UPDATE search_positions p SET seq = upto WHERE p.user_id = owner;
    END IF;
    IF upto - here > 200 THEN
        PERFORM gin_clean_pending_list('ix_search_documents_keys'), gin_clean_pending_list('ix_search_vocabulary_marks');
    END IF;
    RETURN upto IS NOT DISTINCT FROM newest;
END
$$;

-- The same for the session's user.
CREATE FUNCTION tasktalk.search_catch_up(wanted bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT search_follow(current_setting('app.user_id', true), wanted)
$$;

-- Whether something that search knows changed since the session's user's position.
CREATE FUNCTION tasktalk.search_is_behind() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM change_log l
        WHERE l.user_id = current_setting('app.user_id', true)
          AND l.seq > coalesce((SELECT p.seq FROM search_positions p
                                WHERE p.user_id = current_setting('app.user_id', true)), 0)
          AND l.kind IN ('TASK', 'MESSAGE', 'CONVERSATION'))
$$;

-- Users whose logs are so far ahead of their positions.
CREATE FUNCTION tasktalk.search_backlogs(behind bigint, wanted integer) RETURNS TABLE (user_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
    SELECT c.user_id FROM change_counters c LEFT JOIN search_positions p ON p.user_id = c.user_id
    WHERE c.seq - coalesce(p.seq, 0) >= search_backlogs.behind LIMIT wanted
$$;

CREATE FUNCTION tasktalk.search_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tasktalk.search_documents d USING gone WHERE d.user_id = gone.user_id AND d.id = gone.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.tasks REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();
CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.messages REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();
CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.conversations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();

-- What a word of a query may stand for, as keys: other words of its stem, words that begin with it, words that are a slip
-- away. Slips of four letters are looked at only where nothing is as it was written.
CREATE FUNCTION tasktalk.search_senses(
        owner text, word text, OUT forms integer[], OUT longer integer[], OUT slips integer[])
    LANGUAGE plpgsql STABLE SET search_path = tasktalk, pg_temp SET enable_seqscan = off AS $$
DECLARE
    stem integer[] := ARRAY[search_stem(owner, word)];
    without integer[] := search_slips(owner, word);
BEGIN
    SELECT coalesce(array_agg(search_key(owner, '=' || v.word)), '{}') INTO forms
    FROM (SELECT v.word FROM search_vocabulary v
          WHERE v.marks @> stem AND (v.user_id = owner) IS TRUE AND v.word <> search_senses.word LIMIT 33) AS v;
    longer := CASE WHEN length(word) = 3 THEN ARRAY[search_key(owner, '<' || word)] ELSE '{}' END;
    slips := '{}';
    IF length(word) > 3 THEN
        SELECT coalesce(array_agg(search_key(owner, '=' || v.word)), '{}') INTO longer
        FROM (SELECT v.word FROM search_vocabulary v
              WHERE v.user_id = owner AND v.word >= search_senses.word AND v.word < search_senses.word || U&'\+10FFFF'
              ORDER BY v.word LIMIT 33) AS v;
        IF length(word) > 4 OR longer = '{}' THEN
            SELECT coalesce(array_agg(search_key(owner, '=' || v.word)), '{}') INTO slips
            FROM (SELECT v.word FROM search_vocabulary v
                  WHERE v.marks && without AND (v.user_id = owner) IS TRUE LIMIT 16) AS v;
        END IF;
    END IF;
END
$$;

-- The session's user's documents that hold all of the words, or where there are none some of them; best first, at most
-- `wanted`. A word counts 1000 in a title, 800 elsewhere, 700 in another form, 600 as the beginning of a longer one, 400
-- with a slip in it; the score is the mean over the words, and of two that are equal the newer one comes first.
--
-- Words that stand in very many documents are looked for among the newest: first in the last 1,500 (step 1), then in as
-- many as will do by what that found (2), or, where it found few, in all (3), unless those are too many to weigh (4).
-- `(user_id = owner) IS TRUE` is no condition for an index: going through all of a user's rows is never the quicker way.
CREATE FUNCTION tasktalk.search(words text[], kinds text[], wanted integer)
    RETURNS TABLE (id uuid, kind text, score integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
    word text;
    itself integer;
    senses record;
    wide text[] := '{}';
    worth text[] := '{}';
    joined text;
    look text;
    span bigint;
    few boolean;
    found integer;
    newest uuid;
    weighed bigint := 1500;
    ids uuid[];
    found_kinds text[];
    scores integer[];
BEGIN
    FOREACH word IN ARRAY words LOOP
        itself := search_key(owner, '=' || word);
        senses := search_senses(owner, word);
        wide := wide || format('d.keys && %L::integer[]', itself || senses.forms || senses.longer || senses.slips);
        worth := worth || format(
            'CASE WHEN array_position(d.keys, %1$s) <= d.title_keys THEN 1000 WHEN %1$s = ANY (d.keys) THEN 800'
            ' WHEN d.keys && %2$L::integer[] THEN 700 WHEN d.keys && %3$L::integer[] THEN 600'
            ' WHEN d.keys && %4$L::integer[] THEN 400 ELSE 0 END', itself, senses.forms, senses.longer, senses.slips);
    END LOOP;
    FOREACH joined IN ARRAY ARRAY[' AND ', ' OR '] LOOP
        span := weighed;
        few := false;
        look := format(
            'SELECT array_agg(f.id), array_agg(f.kind), array_agg(f.score) FROM (SELECT d.id, d.kind, (%s) / %s AS score'
            ' FROM search_documents d WHERE (%s) AND (d.user_id = $1) IS TRUE AND d.kind = ANY ($2)',
            array_to_string(worth, ' + '), cardinality(words), array_to_string(wide, joined));
        FOR step IN 1..4 LOOP
            CONTINUE WHEN step = CASE WHEN few THEN 2 ELSE 4 END;
            newest := NULL;
            IF step <> 3 THEN
                SELECT d.id INTO newest FROM search_documents d WHERE d.user_id = owner
                ORDER BY d.id DESC OFFSET span LIMIT 1;
            END IF;
            EXECUTE look || CASE WHEN newest IS NULL THEN ' LIMIT $3) f'
                                 ELSE ' AND d.user_id = $1 AND d.id > $4 LIMIT $3) f' END
            INTO ids, found_kinds, scores USING owner, kinds, weighed, newest;
            found := coalesce(cardinality(ids), 0);
            EXIT WHEN CASE WHEN step = 3 THEN found < weighed OR NOT few ELSE newest IS NULL OR found >= wanted END;
            IF step = 1 THEN
                few := found < 30;
                span := span * (wanted + 50) / greatest(found, 10);
            END IF;
        END LOOP;
        EXIT WHEN ids IS NOT NULL OR cardinality(words) = 1;
    END LOOP;
    RETURN QUERY SELECT f.id, f.kind, f.score FROM unnest(ids, found_kinds, scores) AS f (id, kind, score)
        ORDER BY f.score DESC, f.id DESC LIMIT wanted;
END
$$;

-- The keys of words that have this part.
CREATE FUNCTION tasktalk.search_words_with(owner text, part text, wanted integer) RETURNS integer[]
    LANGUAGE plpgsql STABLE SET search_path = tasktalk, pg_temp SET enable_seqscan = off AS $$
DECLARE
    pairs integer[] := search_pairs(owner, part);
BEGIN
    RETURN ARRAY(SELECT search_key(owner, '=' || v.word) FROM search_vocabulary v
                 WHERE v.marks @> pairs AND (v.user_id = owner) IS TRUE AND strpos(v.word, part) > 0 LIMIT wanted);
END
$$;

-- The session's user's rows of a kind in which all of the texts may stand, whatever the case: every one in which they do
-- is among them, those whose documents aren't written yet included. NULL where they are more than `most` or stand in one
-- of thirty of the newest, or where the texts don't say: then a list is gone through in its order.
--
-- Of a text the words that have others on both sides are looked for as they are, the first and the last as the end or the
-- beginning of a word, or as a part of one.
CREATE FUNCTION tasktalk.search_containing(bodies text[], of_kind text, most integer) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
    body text;
    runs text[];
    place integer;
    run text;
    known integer[];
    conditions text[] := '{}';
    all_of_them text;
    seen integer;
    waiting uuid[];
    found uuid[];
BEGIN
    FOREACH body IN ARRAY bodies LOOP
        runs := array_remove(string_to_array(lower(search_plain(body)), ' '), '');
        FOR place IN 1..cardinality(runs) LOOP
            run := runs[place];
            CONTINUE WHEN search_words(run) <> ARRAY[run];
            IF place > 1 AND place < cardinality(runs) THEN
                known := ARRAY[search_key(owner, '=' || run)];
            ELSE
                -- Of 1e5x the parser makes two words, so of what may be its end nothing is known.
                CONTINUE WHEN length(run) < 2 OR run ~ '^([0-9]*e)?[0-9]+[^0-9]';
                known := search_words_with(owner, run, 201);
                CONTINUE WHEN cardinality(known) > 200;
            END IF;
            conditions := conditions || format('d.keys && %L::integer[]', known);
        END LOOP;
    END LOOP;
    IF conditions = '{}' THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(DISTINCT l.entity_id), '{}') INTO waiting
    FROM (SELECT l.entity_id FROM change_log l
          WHERE l.user_id = owner AND l.kind = of_kind
            AND l.seq > coalesce((SELECT p.seq FROM search_positions p WHERE p.user_id = owner), 0)
          LIMIT most + 1) AS l;
    IF cardinality(waiting) > most THEN
        RETURN NULL;
    END IF;
    all_of_them := array_to_string(conditions, ' AND ');
    EXECUTE format('SELECT count(*) FROM (SELECT d.kind, d.keys FROM search_documents d WHERE d.user_id = $1'
                   ' ORDER BY d.id DESC LIMIT 300) AS d WHERE d.kind = $2 AND %s', all_of_them)
    INTO seen USING owner, of_kind;
    IF seen >= 9 THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT coalesce(array_agg(f.id), ''{}'') FROM (SELECT d.id FROM search_documents d'
                   ' WHERE %s AND (d.user_id = $1) IS TRUE AND d.kind = $2 LIMIT $3) AS f', all_of_them)
    INTO found USING owner, of_kind, most + 1;
    RETURN CASE WHEN cardinality(found) <= most
                THEN ARRAY(SELECT unnest(found) UNION SELECT unnest(waiting)) END;
END
$$;

-- As before, and what goes has been read by search: its keys are made first, and a log whose search somebody else is
-- bringing forward is left to the next round.
CREATE OR REPLACE FUNCTION tasktalk.trim_changes(before timestamptz, wanted integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = tasktalk, pg_temp AS $$
DECLARE
    held record;
    room bigint := wanted;
    stays bigint;
    up_to bigint;
    gone bigint;
    trimmed bigint := 0;
BEGIN
    FOR held IN
        SELECT c.user_id, c.seq, c.kept_from FROM change_counters c
        WHERE c.user_id IN (SELECT l.user_id FROM change_log l WHERE l.at < before ORDER BY l.at LIMIT wanted)
        FOR UPDATE SKIP LOCKED
    LOOP
        EXIT WHEN room <= 0;
        up_to := least(held.seq, held.kept_from + room);
        -- Times are those at which transactions began: a row may be younger than the one after it.
        SELECT l.seq INTO stays FROM change_log l
        WHERE l.user_id = held.user_id AND l.seq > held.kept_from AND l.seq <= up_to AND l.at >= before
        ORDER BY l.seq LIMIT 1;
        up_to := least(up_to, stays - 1);
        IF NOT EXISTS (SELECT FROM search_positions p WHERE p.user_id = held.user_id AND p.seq >= up_to) THEN
            PERFORM FROM search_positions p WHERE p.user_id = held.user_id FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND AND EXISTS (SELECT FROM search_positions p WHERE p.user_id = held.user_id);
            PERFORM search_follow(held.user_id, held.seq);
        END IF;
        UPDATE change_counters c SET kept_from = up_to WHERE c.user_id = held.user_id AND c.kept_from < up_to;
        DELETE FROM change_log l WHERE l.user_id = held.user_id AND l.seq <= up_to;
        GET DIAGNOSTICS gone = ROW_COUNT;
        room := room - gone;
        trimmed := trimmed + gone;
    END LOOP;
    RETURN trimmed;
END
$$;

ALTER TABLE tasktalk.search_positions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.search_positions TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT ON tasktalk.search_positions TO tasktalk_app;
REVOKE INSERT, UPDATE ON tasktalk.search_documents FROM tasktalk_app;
REVOKE INSERT ON tasktalk.search_vocabulary FROM tasktalk_app;
REVOKE ALL ON FUNCTION tasktalk.search(text[], text[], integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION tasktalk.search_containing(text[], text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION tasktalk.search_catch_up(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION tasktalk.search_is_behind() FROM PUBLIC;
REVOKE ALL ON FUNCTION tasktalk.search_backlogs(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.search(text[], text[], integer) TO tasktalk_app;
GRANT EXECUTE ON FUNCTION tasktalk.search_containing(text[], text, integer) TO tasktalk_app;
GRANT EXECUTE ON FUNCTION tasktalk.search_catch_up(bigint) TO tasktalk_app;
GRANT EXECUTE ON FUNCTION tasktalk.search_is_behind() TO tasktalk_app;
GRANT EXECUTE ON FUNCTION tasktalk.search_backlogs(bigint, integer) TO tasktalk_app;

-- What is there already.
LOCK TABLE tasktalk.change_counters IN SHARE MODE;
SELECT tasktalk.search_write(u.id,
    ARRAY(SELECT t.id FROM tasktalk.tasks t WHERE t.user_id = u.id),
    ARRAY(SELECT m.id FROM tasktalk.messages m WHERE m.user_id = u.id),
    ARRAY(SELECT c.id FROM tasktalk.conversations c WHERE c.user_id = u.id))
FROM tasktalk.users u;
INSERT INTO tasktalk.search_positions (user_id, seq) SELECT user_id, seq FROM tasktalk.change_counters;
