-- name: MRRKeep :exec
SELECT keep_mrr();
