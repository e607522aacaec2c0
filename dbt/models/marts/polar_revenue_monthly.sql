-- Revenue by month, currency and product, in whole units of the currency.
select
    date_trunc('month', r.day)::date as month,
    r.currency,
    r.product_id,
    p.name as product,
    sum(r.orders)::bigint as orders,
    sum(r.net_amount) / power(10, max(c.exponent))::numeric as net,
    sum(r.refunded_amount) / power(10, max(c.exponent))::numeric as refunded,
    sum(r.kept_amount) / power(10, max(c.exponent))::numeric as kept
from {{ source('polar', 'revenue_daily') }} as r
join {{ source('polar', 'currencies') }} as c on c.code = r.currency
left join {{ source('polar', 'products') }} as p on p.id = r.product_id
group by 1, 2, 3, 4
