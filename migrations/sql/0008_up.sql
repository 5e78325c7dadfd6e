-- Search. A document stands for a task, a message or a conversation and holds no text, but keys: hashes of its words under
-- its user's own seed. So one GIN index serves all users, and nobody's search reads through the lists of others. Hashes
-- are those that hash partitioning rests on, so a new version of PostgreSQL doesn't change them.

-- The words of a text, each once: in lower case and without accents (NFKD). Scripts that put no spaces between words are
-- cut into pairs of letters.
CREATE FUNCTION tasktalk.search_words(body text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', pg_catalog.translate(
        CASE WHEN body ~ '[\u3040-\u30ff\u3400-\u9fff]'
             THEN pg_catalog.regexp_replace(body, '([\u3040-\u30ff\u3400-\u9fff])(?=([\u3040-\u30ff\u3400-\u9fff]))',
                                            '\1\2 ', 'g')
             ELSE pg_catalog.regexp_replace(pg_catalog.normalize(body, 'NFKD'), '[\u0300-\u036f]+', '', 'g') END,
        '-_./@\„“”‘’«»‹›…–—·¿¡、。「」''', '                         ')))
$$;

CREATE FUNCTION tasktalk.search_key(owner text, word text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (pg_catalog.hashtextextended(word, pg_catalog.hashtextextended(owner, 0)) >> 32)::integer
$$;

-- The keys of words: of each itself, its English stem, and its first three letters.
CREATE FUNCTION tasktalk.search_keys(owner text, words text[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(pg_catalog.array_agg(tasktalk.search_key(owner, part)), '{}')
    FROM (SELECT '=' || word AS part FROM pg_catalog.unnest(words) AS word
          UNION ALL
          SELECT '~' || (pg_catalog.ts_lexize('pg_catalog.english_stem', word))[1] FROM pg_catalog.unnest(words) AS word
          UNION
          SELECT '<' || pg_catalog.left(word, 3) FROM pg_catalog.unnest(words) AS word WHERE pg_catalog.length(word) > 3
         ) AS made
    WHERE part IS NOT NULL
$$;

-- The keys of a word and of what is left of it without one of its letters: two words that are a slip of the finger apart
-- (a letter too many, too few, another, or two exchanged) share one. Of words of four to sixteen letters.
CREATE FUNCTION tasktalk.search_slips(owner text, word text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(pg_catalog.array_agg(tasktalk.search_key(
        owner, pg_catalog.left(word, n - 1) || pg_catalog.substr(word, n + 1))), '{}')
    FROM pg_catalog.generate_series(1, pg_catalog.length(word) + 1) AS n
    WHERE pg_catalog.length(word) BETWEEN 4 AND 16
$$;

-- Keep a document, and the words of it that its user's vocabulary lacks. In order, so that two that bring the same words
-- wait for each other in one direction only.
CREATE FUNCTION tasktalk.search_note(owner text, document uuid, document_kind text, title text, body text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    title_words text[] := coalesce(tasktalk.search_words(title), '{}');
    body_words text[] := coalesce(tasktalk.search_words(body), '{}');
    first_keys integer[] := tasktalk.search_keys(owner, title_words);
    known text[];
BEGIN
    INSERT INTO tasktalk.search_documents AS d (user_id, id, kind, title_keys, keys)
    VALUES (owner, document, document_kind, cardinality(first_keys),
            first_keys || tasktalk.search_keys(owner, body_words))
    ON CONFLICT (user_id, id) DO UPDATE SET title_keys = excluded.title_keys, keys = excluded.keys;
    known := ARRAY(SELECT v.word FROM tasktalk.search_vocabulary v
                   WHERE v.user_id = owner AND v.word = ANY (title_words || body_words));
    INSERT INTO tasktalk.search_vocabulary (user_id, word, slips)
    SELECT owner, new.word, tasktalk.search_slips(owner, new.word)
    FROM (SELECT DISTINCT word COLLATE "C" AS word FROM unnest(title_words || body_words) AS word
          WHERE length(word) BETWEEN 4 AND 32 AND word <> ALL (known) AND word !~ '^[0-9]+$') AS new
    ORDER BY new.word
    ON CONFLICT DO NOTHING;
END
$$;

CREATE FUNCTION tasktalk.search_note_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.deleted_at IS NULL THEN
        PERFORM tasktalk.search_note(NEW.user_id, NEW.id, 'TASK', NEW.title, NEW.description);
    ELSE
        DELETE FROM tasktalk.search_documents WHERE user_id = NEW.user_id AND id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION tasktalk.search_note_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tasktalk.search_note(NEW.user_id, NEW.id, 'MESSAGE', NULL, NEW.content);
    RETURN NULL;
END
$$;

CREATE FUNCTION tasktalk.search_note_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tasktalk.search_note(NEW.user_id, NEW.id, 'CONVERSATION', NEW.title, NULL);
    RETURN NULL;
END
$$;

CREATE FUNCTION tasktalk.search_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tasktalk.search_documents d USING gone WHERE d.user_id = gone.user_id AND d.id = gone.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER search_new AFTER INSERT ON tasktalk.tasks
    FOR EACH ROW EXECUTE FUNCTION tasktalk.search_note_task();
CREATE TRIGGER search_changed AFTER UPDATE OF title, description, deleted_at ON tasktalk.tasks FOR EACH ROW
    WHEN ((OLD.title, OLD.description, OLD.deleted_at) IS DISTINCT FROM (NEW.title, NEW.description, NEW.deleted_at))
    EXECUTE FUNCTION tasktalk.search_note_task();
CREATE TRIGGER search_new AFTER INSERT ON tasktalk.messages
    FOR EACH ROW EXECUTE FUNCTION tasktalk.search_note_message();
CREATE TRIGGER search_new AFTER INSERT ON tasktalk.conversations FOR EACH ROW
    WHEN (NEW.title <> '') EXECUTE FUNCTION tasktalk.search_note_conversation();
CREATE TRIGGER search_changed AFTER UPDATE OF title ON tasktalk.conversations FOR EACH ROW
    WHEN (OLD.title <> NEW.title) EXECUTE FUNCTION tasktalk.search_note_conversation();
CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.tasks REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();
CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.messages REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();
CREATE TRIGGER search_gone AFTER DELETE ON tasktalk.conversations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tasktalk.search_forget();

-- What a word of a query may stand for, as keys: itself, its stem, words that begin with it, words that are a slip away.
-- Slips of four letters are looked at only where nothing is as it was written.
CREATE FUNCTION tasktalk.search_senses(owner text, word text, OUT stem integer, OUT longer integer[], OUT slips integer[])
    LANGUAGE plpgsql STABLE SET search_path = tasktalk, pg_temp SET enable_seqscan = off AS $$
DECLARE
    without integer[] := search_slips(owner, word);
BEGIN
    stem := search_key(owner, '~' || coalesce((ts_lexize('pg_catalog.english_stem', word))[1], word));
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
                  WHERE v.slips && without AND (v.user_id = owner) IS TRUE LIMIT 16) AS v;
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
        wide := wide || format('d.keys && %L::integer[]',
                               ARRAY[itself, senses.stem] || senses.longer || senses.slips);
        worth := worth || format(
            'CASE WHEN array_position(d.keys, %1$s) <= d.title_keys THEN 1000 WHEN %1$s = ANY (d.keys) THEN 800'
            ' WHEN %2$s = ANY (d.keys) THEN 700 WHEN d.keys && %3$L::integer[] THEN 600'
            ' WHEN d.keys && %4$L::integer[] THEN 400 ELSE 0 END', itself, senses.stem, senses.longer, senses.slips);
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

ALTER TABLE tasktalk.search_documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.search_documents TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
ALTER TABLE tasktalk.search_vocabulary ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON tasktalk.search_vocabulary TO tasktalk_app
    USING (user_id = (SELECT current_setting('app.user_id', true)))
    WITH CHECK (user_id = (SELECT current_setting('app.user_id', true)));
GRANT SELECT, INSERT, UPDATE, DELETE ON tasktalk.search_documents TO tasktalk_app;
GRANT SELECT, INSERT ON tasktalk.search_vocabulary TO tasktalk_app;
REVOKE ALL ON FUNCTION tasktalk.search(text[], text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tasktalk.search(text[], text[], integer) TO tasktalk_app;

-- What is there already.
SELECT tasktalk.search_note(user_id, id, 'TASK', title, description) FROM tasktalk.tasks WHERE deleted_at IS NULL;
SELECT tasktalk.search_note(user_id, id, 'MESSAGE', NULL, content) FROM tasktalk.messages;
SELECT tasktalk.search_note(user_id, id, 'CONVERSATION', title, NULL) FROM tasktalk.conversations WHERE title <> '';
