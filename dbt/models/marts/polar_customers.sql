-- Customers with what they have bought and what they have now; no name and no address.
select
    id as customer_id,
    external_id,
    country,
    cohort_month,
    first_order_at,
    last_order_at,
    paid_orders,
    running_subscriptions,
    running_subscriptions > 0 as is_subscriber,
    lifetime_amounts,
    mrr_amounts
from {{ source('polar', 'customers_enriched') }}
