-- What is in the way of dropping the schemas $1: what lies in them and has none of the names $2, and what lies elsewhere and needs
-- something in them. What follows from a table (its row type, its indexes, its partitions) is the table's.
WITH RECURSIVE schemas AS (
    SELECT oid FROM pg_namespace WHERE nspname = ANY ($1)
), inside AS (
    SELECT d.classid, d.objid FROM pg_depend d JOIN schemas s ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
    WHERE d.classid <> 'pg_default_acl'::regclass
), reached AS (
    SELECT classid, objid FROM inside
    UNION
    SELECT d.classid, d.objid FROM reached r JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid
), strange AS (
    SELECT i.classid, i.objid
    FROM inside i
    LEFT JOIN pg_class c ON i.classid = 'pg_class'::regclass AND c.oid = i.objid
    LEFT JOIN pg_proc p ON i.classid = 'pg_proc'::regclass AND p.oid = i.objid
    WHERE COALESCE(c.relname, p.proname) IS NULL
       OR COALESCE(c.relname, p.proname) <> ALL ($2)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = i.classid AND d.objid = i.objid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)
      AND COALESCE(p.proname <> pg_get_userbyid(p.proowner), true) -- by which assistants read
), outside AS (
    SELECT r.classid, r.objid, COALESCE(c.relnamespace, p.pronamespace, t.typnamespace, k.connamespace, owner.relnamespace) AS namespace
    FROM reached r
    LEFT JOIN pg_class c ON r.classid = 'pg_class'::regclass AND c.oid = r.objid
    LEFT JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
    LEFT JOIN pg_type t ON r.classid = 'pg_type'::regclass AND t.oid = r.objid
    LEFT JOIN pg_constraint k ON r.classid = 'pg_constraint'::regclass AND k.oid = r.objid
    LEFT JOIN pg_rewrite w ON r.classid = 'pg_rewrite'::regclass AND w.oid = r.objid
    LEFT JOIN pg_trigger g ON r.classid = 'pg_trigger'::regclass AND g.oid = r.objid AND NOT g.tgisinternal
    LEFT JOIN pg_attrdef f ON r.classid = 'pg_attrdef'::regclass AND f.oid = r.objid
    LEFT JOIN pg_class owner ON owner.oid = COALESCE(w.ev_class, g.tgrelid, f.adrelid)
)
SELECT concat_ws(' ', i.type, i.identity)
FROM (
    SELECT classid, objid FROM strange
    UNION
    SELECT classid, objid FROM outside WHERE namespace NOT IN (SELECT oid FROM schemas) AND namespace <> 'pg_toast'::regnamespace
) f, pg_identify_object(f.classid, f.objid, 0) i
ORDER BY 1
