-- Who of a fleet runs which organization. Made when a fleet starts, beside the schemas of organizations and without reference to them:
-- they may be on other servers.
CREATE TABLE IF NOT EXISTS syncd_fleet.replicas (
    id          text        PRIMARY KEY,
    host        text        NOT NULL,
    seen_at     timestamptz NOT NULL,
    holds_until timestamptz NOT NULL,
    leaving     boolean     NOT NULL DEFAULT false
) WITH (fillfactor = 50);
COMMENT ON SCHEMA syncd_fleet IS 'Which process of syncd runs which organization.';
COMMENT ON TABLE syncd_fleet.replicas IS 'Processes that run organizations.';
COMMENT ON COLUMN syncd_fleet.replicas.id IS 'Host, process id and a random part.';
COMMENT ON COLUMN syncd_fleet.replicas.host IS 'Name of the host, or of the pod.';
COMMENT ON COLUMN syncd_fleet.replicas.seen_at IS 'When it last said that it lives. UTC.';
COMMENT ON COLUMN syncd_fleet.replicas.holds_until IS 'When what it holds is free, unless it says so again. UTC.';
COMMENT ON COLUMN syncd_fleet.replicas.leaving IS 'It takes no organization any more, as it ends.';
CREATE TABLE IF NOT EXISTS syncd_fleet.organizations (
    name   text        PRIMARY KEY,
    holder text,
    since  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE syncd_fleet.organizations IS 'Organizations, by their names in the configuration.';
COMMENT ON COLUMN syncd_fleet.organizations.name IS 'Name in the configuration.';
COMMENT ON COLUMN syncd_fleet.organizations.holder IS 'Id of the replica that runs it, as long as there is one of that id; NULL = nobody.';
CREATE OR REPLACE FUNCTION syncd_fleet.hold(organization text, replica text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM syncd_fleet.organizations o JOIN syncd_fleet.replicas r ON r.id = o.holder
    WHERE o.name = organization AND r.id = replica AND r.holds_until > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this process (%) does not hold the organization % any more', replica, organization USING ERRCODE = 'SYNCD';
    END IF;
END $$;
COMMENT ON FUNCTION syncd_fleet.hold IS 'Fails unless the replica holds the organization now. Every transaction of a replica begins with it.';
COMMENT ON COLUMN syncd_fleet.organizations.since IS 'When that was last changed. UTC.';
CREATE TABLE IF NOT EXISTS syncd_fleet.notices (
    organization text        NOT NULL,
    changed      text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization, changed)
);
COMMENT ON TABLE syncd_fleet.notices IS 'What webhooks name that came to another process than the one that runs their organization, which takes it out of here. It names objects, and has none of their data.';
COMMENT ON COLUMN syncd_fleet.notices.organization IS 'Name in the configuration.';
COMMENT ON COLUMN syncd_fleet.notices.changed IS 'What is to be fetched.';
COMMENT ON COLUMN syncd_fleet.notices.at IS 'When it was told. After an hour it is forgotten: the feeds tell of it, too. UTC.';
CREATE TABLE IF NOT EXISTS syncd_fleet.version (
    number integer PRIMARY KEY
);
COMMENT ON TABLE syncd_fleet.version IS 'Of these tables. A syncd that knows only an earlier one does not run.';
COMMENT ON COLUMN syncd_fleet.version.number IS 'Counted from 1.';
INSERT INTO syncd_fleet.version (number) SELECT 1 WHERE NOT EXISTS (SELECT FROM syncd_fleet.version);
