-- The request budget that the processes of one organization share. Creates two tables and touches nothing that exists, so it
-- waits for no lock, holds none that others need and takes milliseconds.

-- +goose Up
CREATE TABLE sync_budget (
    singleton    boolean          PRIMARY KEY DEFAULT true CHECK (singleton),
    tokens       double precision NOT NULL DEFAULT 0,
    refilled_at  timestamptz      NOT NULL DEFAULT now(),
    paused_until timestamptz      NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO sync_budget DEFAULT VALUES;
COMMENT ON TABLE sync_budget IS 'The request budget that all processes of syncd on this schema draw on: one row. A request to Polar needs a token, and tokens come at the pace of the budget.';
COMMENT ON COLUMN sync_budget.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sync_budget.tokens IS 'Tokens (requests) there were at refilled_at.';
COMMENT ON COLUMN sync_budget.refilled_at IS 'As of when tokens counts (UTC, clock of the database).';
COMMENT ON COLUMN sync_budget.paused_until IS 'No process sends requests until then, because Polar refused one (UTC, clock of the database).';

CREATE TABLE sync_budget_holders (
    holder       text             PRIMARY KEY,
    asked_at     timestamptz      NOT NULL,
    waiting_at   timestamptz,
    wanted       bigint           NOT NULL,
    priority     bigint           NOT NULL,
    rate         double precision NOT NULL,
    burst        bigint           NOT NULL,
    per_minute   bigint           NOT NULL,
    pace         bigint           NOT NULL,
    used         bigint           NOT NULL,
    requests     bigint[]         NOT NULL,
    rate_limited bigint           NOT NULL,
    paused       double precision NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE sync_budget_holders IS 'The processes that draw on sync_budget, each as it stood when it last asked. One that has not asked for a minute counts no more, and its row goes some minutes later.';
COMMENT ON COLUMN sync_budget_holders.holder IS 'Host, process id and a random part, as in sync_runs.holder.';
COMMENT ON COLUMN sync_budget_holders.asked_at IS 'When it last asked for tokens (UTC, clock of the database).';
COMMENT ON COLUMN sync_budget_holders.waiting_at IS 'Since when it asks in vain (UTC); null when it got tokens.';
COMMENT ON COLUMN sync_budget_holders.wanted IS 'Tokens that it waits for; 0 when it got some.';
COMMENT ON COLUMN sync_budget_holders.priority IS 'Of the request that waits: 0 refresh, 1 tail, 2 sweep, 3 export.';
COMMENT ON COLUMN sync_budget_holders.rate IS 'Tokens a second that it would let come. The smallest of all counts.';
COMMENT ON COLUMN sync_budget_holders.burst IS 'Tokens that may gather. The smallest of all counts.';
COMMENT ON COLUMN sync_budget_holders.per_minute IS 'Its configured budget, in requests a minute.';
COMMENT ON COLUMN sync_budget_holders.pace IS 'Requests a minute that it goes by now: less than per_minute while Polar refuses requests although fewer were sent.';
COMMENT ON COLUMN sync_budget_holders.used IS 'Requests that it had sent in the last minute.';
COMMENT ON COLUMN sync_budget_holders.requests IS 'Requests that it has sent since its start, by priority: refresh, tail, sweep, export.';
COMMENT ON COLUMN sync_budget_holders.rate_limited IS 'Answers 429 that it has got since its start.';
COMMENT ON COLUMN sync_budget_holders.paused IS 'Seconds for which refusals have kept it waiting since its start.';

-- +goose Down
DROP TABLE sync_budget_holders;
DROP TABLE sync_budget;
