-- Which features were used in the last 30 days, how often, by what share of the users, and which registered ones never?
WITH mentions AS (
    SELECT
        TRIM(data->>'feature') AS feature,
        event <> 'feature_registered' AS used,
        user_id,
        timestamp,
        CASE
            WHEN (data->>'duration_ms') ~ '^[0-9]{1,8}([.][0-9]+)?([eE]-[0-9]{1,2})?$'
            THEN (data->>'duration_ms')::double precision
        END AS duration_ms
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '30 days'
),
everybody AS (
    SELECT NULLIF(COUNT(DISTINCT user_id), 0) AS users FROM mentions
)
SELECT
    feature,
    COUNT(*) FILTER (WHERE used) AS uses,
    COUNT(DISTINCT user_id) FILTER (WHERE used) AS users,
    ROUND(100.0 * COUNT(DISTINCT user_id) FILTER (WHERE used) / MAX(everybody.users), 1) AS percent_of_users,
    ROUND((AVG(duration_ms) FILTER (WHERE used))::numeric, 1) AS mean_duration_ms,
    MAX(timestamp) FILTER (WHERE used) AS last_used
FROM mentions
CROSS JOIN everybody
WHERE LEFT(feature, 1) NOT IN ('', '{', '[')
GROUP BY feature
ORDER BY uses DESC, users DESC, feature;
