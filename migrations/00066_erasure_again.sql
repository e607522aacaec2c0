-- sync_erasure_again: customers of whom something may have been stored beside what tells that it is theirs.
-- Creates an empty table in the schema of the bookkeeping. Takes no lock that others need.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('CREATE TABLE %1$I.sync_erasure_again (customer_id uuid NOT NULL)', current_schema() || '_sync');
    COMMENT ON TABLE sync_erasure_again IS 'Erased customers whose orders or other rows were written: what belongs to these, such as payments, is cleared once more at the end of a run. Another transaction may have written it at the same moment, and neither saw what the other wrote.';
    COMMENT ON COLUMN sync_erasure_again.customer_id IS 'Polar id of the customer: sync_erasures.customer_id. As often as rows were written.';
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('DROP TABLE %1$I.sync_erasure_again', current_schema() || '_sync');
END $$;
-- +goose StatementEnd
