-- Functions of erasures. They are made in the schema of the bookkeeping, which comes first in the search_path of the moment. Triggers call
-- them whoever writes, so they keep that path. Those that are called for each row that is written have it instead in the names of their
-- tables, as DATA and BOOKS, which costs nothing. Where whoever writes has asked it for all rows at once, they are called for those rows alone
-- that syncd.asked names: mostly none.

CREATE OR REPLACE FUNCTION erasure_hash(value text) RETURNS bytea
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT sha256(erasure_key || sha256(convert_to(value, 'UTF8'))) FROM sync_safe
$$;
COMMENT ON FUNCTION erasure_hash(text) IS 'Of erasures: sync_erasure_hashes.hash of a value.';

CREATE OR REPLACE FUNCTION is_erased(customer uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN customer IS NOT NULL AND EXISTS (SELECT FROM BOOKS.sync_erasures e WHERE e.customer_id = customer);
END $$;
COMMENT ON FUNCTION is_erased(uuid) IS 'Of erasures: whether a customer is erased.';

CREATE OR REPLACE FUNCTION owner_of(relation text, row_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
    owner uuid;
BEGIN
    IF row_id IS NULL THEN
        RETURN NULL;
    END IF;
    CASE relation
OWNERS
    END CASE;
    RETURN owner;
END $$;
COMMENT ON FUNCTION owner_of(text, uuid) IS 'Of erasures: the customer of a row.';

-- Somebody may come back as another customer: then the address is that customer's.
CREATE OR REPLACE FUNCTION are_erased_names(emails text[], names text[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    secret bytea;
    value  text;
BEGIN
    FOREACH value IN ARRAY emails LOOP
        IF value <> '' THEN
            secret := COALESCE(secret, (SELECT erasure_key FROM BOOKS.sync_safe));
            IF EXISTS (SELECT FROM BOOKS.sync_erasure_hashes h WHERE h.hash = sha256(secret || sha256(convert_to(lower(value), 'UTF8'))))
                AND NOT EXISTS (SELECT FROM DATA.customers c WHERE lower(c.email) = lower(value) AND NOT BOOKS.is_erased(c.id)) THEN
                RETURN true;
            END IF;
        END IF;
    END LOOP;
    FOREACH value IN ARRAY names LOOP
        IF value <> '' THEN
            secret := COALESCE(secret, (SELECT erasure_key FROM BOOKS.sync_safe));
            IF EXISTS (SELECT FROM BOOKS.sync_erasure_hashes h WHERE h.hash = sha256(secret || sha256(convert_to(value, 'UTF8'))))
                AND NOT EXISTS (SELECT FROM DATA.customers c WHERE c.external_id = value AND NOT BOOKS.is_erased(c.id)) THEN
                RETURN true;
            END IF;
        END IF;
    END LOOP;
    RETURN false;
END $$;
COMMENT ON FUNCTION are_erased_names(text[], text[]) IS 'Of erasures: whether one of the addresses, or of the ids of the organization''s own, is that of an erased customer, and of no other.';

-- A function in plpgsql keeps its plan; one in SQL would be planned for each row.
-- Numbers, ids, times and the words that Polar counts by; of the organization's own events what they cost.
CREATE OR REPLACE FUNCTION impersonal_event(metadata jsonb, of_polar boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_object_agg(m.key, m.value), '{}')
    FROM jsonb_each(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) m
    WHERE CASE
        WHEN NOT of_polar THEN m.key = '_cost'
        WHEN m.key LIKE '%external%' THEN false
        WHEN jsonb_typeof(m.value) IN ('number', 'boolean', 'null') THEN true
        WHEN jsonb_typeof(m.value) <> 'string' THEN false
        WHEN m.value #>> '{}' ~ '^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|None|\d{4}-\d{2}-\d{2}T[0-9:.]+(Z|[+-]\d{2}:\d{2}))$' THEN true
        ELSE m.key = ANY ('{currency,presentment_currency,recurring_interval,status,customer_cancellation_reason,billing_type,benefit_type,checkout_status,tax_country,tax_state,provider}')
    END);
END $$;
COMMENT ON FUNCTION impersonal_event(jsonb, boolean) IS 'Of erasures: what stays of the metadata of an event.';

-- Of an address country and state stay: taxes are summed by them.
CREATE OR REPLACE FUNCTION impersonal(columns jsonb, content jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_object_agg(k.key, k.value), '{}')
    FROM (
        SELECT c.key, CASE
            WHEN c.value = '"event"' THEN impersonal_event(content->c.key, content->>'source' IS DISTINCT FROM 'user')
            WHEN c.value = '"unnamed"' THEN impersonal_event(content->c.key, true)
            WHEN c.value = '"pseudonym"' THEN CASE WHEN content->>c.key ~ '^erased [0-9a-f]{32}$' THEN content->c.key
                ELSE to_jsonb('erased ' || left(encode(erasure_hash(content->>c.key), 'hex'), 32)) END
            WHEN c.value = '"document"' THEN '{}'
            WHEN jsonb_typeof(content->c.key) = 'object' THEN COALESCE(
                (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(content->c.key) a WHERE a.key IN ('country', 'state')), 'null')
            ELSE 'null'
        END AS value
        FROM jsonb_each(columns) c
        WHERE content->c.key <> 'null'
    ) k
    WHERE k.value <> content->k.key);
END $$;
COMMENT ON FUNCTION impersonal(jsonb, jsonb) IS 'Of erasures: the columns of a row that are to be written, and how, so that it has no personal data; empty if it has none.';

CREATE OR REPLACE FUNCTION keep_erased_names_out(customer uuid, names text[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    names := (SELECT array_agg(v) FROM unnest(names) v WHERE v <> '' AND NOT EXISTS (SELECT FROM sync_erasure_hashes h WHERE h.hash = erasure_hash(v)));
    IF names <> '{}' THEN
        INSERT INTO sync_erasure_hashes SELECT DISTINCT erasure_hash(v), customer FROM unnest(names) v ON CONFLICT DO NOTHING;
NAMED
    END IF;
END $$;
COMMENT ON FUNCTION keep_erased_names_out(uuid, text[]) IS 'Of erasures: notes by what else an erased customer is known now, and clears rows that name it so.';

CREATE OR REPLACE FUNCTION keep_erased_out() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    content jsonb := to_jsonb(NEW);
BEGIN
    IF TG_NARGS > 1 THEN -- it is the customer
        PERFORM keep_erased_names_out(NEW.id, ARRAY[lower(content->>'email'), content->>'external_id', content->'metadata'->>'__external_id']);
    END IF;
    PERFORM set_config('syncd.kept_out', content->>'id', true);
    NEW := jsonb_populate_record(NEW, impersonal(TG_ARGV[0]::jsonb, content));
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_erased_out() IS 'Of erasures: clears a row of an erased customer before it is written.';

-- A payment may come before its order, and nobody knows then whose it is. keep_erased_out has found out whose this row is. A payment that
-- another transaction writes at this moment is not seen here, nor this row there: see sync_erasure_again.
CREATE OR REPLACE FUNCTION keep_erased_parts_out() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    part tid;
BEGIN
    CASE regexp_replace(TG_TABLE_NAME, '_[0-9]{6,}$', '') -- without the number of a shard
PARTS
    END CASE;
    INSERT INTO sync_erasure_again SELECT e.customer_id FROM sync_erasures e WHERE e.customer_id = NEW.customer_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_erased_parts_out() IS 'Of erasures: clears what belongs to a row of an erased customer and was there before it.';

CREATE OR REPLACE FUNCTION is_erased_text(content text) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT DISTINCT lower(m[1])::uuid AS id FROM regexp_matches(content, '([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})', 'gi') m) u
        WHERE is_erased(u.id) OR EXISTS (SELECT FROM (SELECT DISTINCT split_part(p, '.', 1) AS relation FROM personal_owners(), unnest(parents) AS p) r WHERE is_erased(owner_of(r.relation, u.id)))
    ) OR are_erased_names(
        ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(content, '([^\s"<>(),;:\\]+@[^\s"<>(),;:\\]+)', 'g') m),
        ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(content, '"((?:[^"\\]|\\.)*)"', 'g') m))
$$;
COMMENT ON FUNCTION is_erased_text(text) IS 'Of erasures: whether a text, such as an object of Polar''s, names an erased customer or a row of one.';

CREATE OR REPLACE FUNCTION is_erased_reject(item_id uuid, body bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN is_erased_text(concat_ws(' ', item_id, convert_from(body, 'UTF8')));
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN is_erased_text(concat_ws(' ', item_id, convert_from(body, 'LATIN1')));
END $$;
COMMENT ON FUNCTION is_erased_reject(uuid, bytea) IS 'Of erasures: whether an object that could not be stored is of an erased customer.';

CREATE OR REPLACE FUNCTION keep_erased_rejects_out() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.body := '{}';
    NEW.reason := 'cleared: it is of an erased customer';
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_erased_rejects_out() IS 'Of erasures: clears an object that could not be stored.';

-- What is rebuilt from events follows from rows that were read before.
CREATE OR REPLACE FUNCTION keep_erased_changes_out() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    columns jsonb := (SELECT cleared FROM personal_owners() WHERE relation = NEW.stream);
BEGIN
    NEW.old := NEW.old || impersonal(columns, NEW.old);
    NEW.new := NEW.new || impersonal(columns, NEW.new);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_erased_changes_out() IS 'Of erasures: clears a rebuilt change of a row of an erased customer.';
