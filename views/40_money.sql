-- Money: what amounts are worth in whole units of their currency, and how Polar rounds them.

CREATE OR REPLACE FUNCTION currency_exponent(currency text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN lower(currency) IN ('bif', 'clp', 'djf', 'gnf', 'isk', 'jpy', 'kmf', 'krw', 'pyg', 'rwf', 'ugx', 'uyi', 'vnd', 'vuv', 'xaf', 'xof', 'xpf') THEN 0
    WHEN lower(currency) IN ('bhd', 'iqd', 'jod', 'kwd', 'lyd', 'omr', 'tnd') THEN 3
    WHEN lower(currency) IN ('clf', 'uyw') THEN 4
    ELSE 2
END;
COMMENT ON FUNCTION currency_exponent(text) IS 'How many decimal places the smallest unit of a currency stands for, by ISO 4217: 2 where it is a hundredth, as of usd; 0 where it is the currency itself, as of jpy. A payment processor may count otherwise: Stripe takes whole mga, where ISO 4217 has 2.';

CREATE OR REPLACE VIEW currencies AS
SELECT code, currency_exponent(code) AS exponent
FROM string_to_table(
    'aed afn all amd aoa ars aud awg azn bam bbd bdt bhd bif bmd bnd bob bov brl bsd btn bwp byn bzd cad cdf che ' ||
    'chf chw clf clp cny cop cou crc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf ' ||
    'gtq gyd hkd hnl htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp lkr ' ||
    'lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn mxv myr mzn nad ngn nio nok npr nzd omr pab pen ' ||
    'pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp szl thb tjs ' ||
    'tmt tnd top try ttd twd tzs uah ugx usd usn uyi uyu uyw uzs ved ves vnd vuv wst xad xaf xcd xcg xof xpf yer ' ||
    'zar zmw zwg', ' ') code;
COMMENT ON VIEW currencies IS 'Currencies of ISO 4217, and how many decimal places their smallest unit stands for.';
COMMENT ON COLUMN currencies.code IS 'Code of ISO 4217 in lower case, as all tables have it: usd.';
COMMENT ON COLUMN currencies.exponent IS 'Decimal places: 2 where the smallest unit is a hundredth, as of usd; 0 where it is the currency itself, as of jpy.';

CREATE OR REPLACE FUNCTION major_amount(amount numeric, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN amount * CASE currency_exponent(currency) WHEN 0 THEN 1 WHEN 2 THEN 0.01 WHEN 3 THEN 0.001 ELSE 0.0001 END;
COMMENT ON FUNCTION major_amount(numeric, text) IS 'An amount in whole units of its currency: major_amount(1999, ''usd'') is 19.99, major_amount(1999, ''jpy'') is 1999. A currency that ISO 4217 does not list counts as one with 2 decimal places.';

CREATE OR REPLACE FUNCTION round_half_even(x numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs(x - trunc(x)) = 0.5 THEN 2 * round(x / 2) ELSE round(x) END;
COMMENT ON FUNCTION round_half_even(numeric) IS 'Rounds to a whole number, a half to the even neighbour, as Python''s round() does by which Polar computes net amounts (server/polar/models/subscription.py). Postgres'' own round() takes a half away from zero.';

CREATE OR REPLACE FUNCTION monthly_amount(amount numeric, recurring_interval text, recurring_interval_count bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE recurring_interval
    WHEN 'year' THEN round(amount / (12 * recurring_interval_count))
    WHEN 'month' THEN round(amount / recurring_interval_count)
    WHEN 'week' THEN round(amount * 52 / (12 * recurring_interval_count))
    WHEN 'day' THEN round(amount * 365 / (12 * recurring_interval_count))
END;
COMMENT ON FUNCTION monthly_amount(numeric, text, bigint) IS 'The amount of one billing interval by month, as Polar computes MRR: a year has 12 months, 52 weeks and 365 days; a half is rounded away from zero (server/polar/metrics/queries.py). Null for an interval that is not day, week, month or year.';
