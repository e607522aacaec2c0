CREATE OR REPLACE FUNCTION %s(statement text, most_rows integer, most_bytes bigint) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    answer refcursor;
    r      record;
    rows   integer := 0;
    bytes  bigint := 0;
BEGIN
    OPEN answer NO SCROLL FOR EXECUTE statement;
    LOOP -- row by row, so that no more is made than is taken
        FETCH answer INTO r;
        EXIT WHEN NOT FOUND;
        rows := rows + 1;
        bytes := bytes + pg_column_size(r);
        RETURN NEXT r;
        EXIT WHEN rows >= most_rows OR bytes > most_bytes;
    END LOOP;
END $$
