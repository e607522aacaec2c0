-- What moved MRR, by month and currency, in whole units of the currency.
select
    m.month,
    m.currency,
    m.movement,
    count(*)::bigint as customers,
    sum(m.change_amount) / power(10, max(c.exponent))::numeric as change
from {{ source('polar', 'mrr_movements') }} as m
join {{ source('polar', 'currencies') }} as c on c.code = m.currency
group by 1, 2, 3
