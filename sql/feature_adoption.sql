-- Which features were used in the last 30 days, how often, by what share of the users, and which registered ones never?
WITH mentions AS (
    SELECT
        TRIM(COALESCE(data->>'feature', data->>'feature_name')) AS feature,
        event <> 'feature_registered' AS used,
        user_id,
        timestamp,
        COALESCE(
            data->>'duration_ms', data->>'response_time_ms', data->>'duration', data->>'response_time',
            data->>'latency_ms', data->>'elapsed_ms', data->>'time_ms'
        ) AS duration
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '30 days'
),
timed AS (
    SELECT
        feature,
        used,
        user_id,
        timestamp,
        CASE
            WHEN duration ~ '^[0-9]{1,8}([.][0-9]+)?([eE]-[0-9]{1,2})?$' THEN duration::double precision
        END AS duration_ms
    FROM mentions
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
FROM timed
CROSS JOIN everybody
WHERE LEFT(feature, 1) NOT IN ('', '{', '[')
GROUP BY feature
ORDER BY uses DESC, users DESC, feature;
