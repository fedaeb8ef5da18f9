-- What failed in the last 24 hours, by event and severity: how often, for how many users, and how long did it take?
WITH told AS (
    SELECT
        event,
        severity,
        user_id,
        COALESCE(
            data->>'duration_ms', data->>'response_time_ms', data->>'duration', data->>'response_time',
            data->>'latency_ms', data->>'elapsed_ms', data->>'time_ms'
        ) AS duration
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '24 hours' AND severity IN ('CRITICAL', 'WARNING')
),
failures AS (
    SELECT
        event,
        severity,
        user_id,
        CASE
            WHEN duration ~ '^[0-9]{1,8}([.][0-9]+)?([eE]-[0-9]{1,2})?$' THEN duration::double precision
        END AS duration_ms
    FROM told
)
SELECT
    event,
    severity,
    COUNT(*) AS errors,
    COUNT(DISTINCT user_id) AS affected_users,
    ROUND(AVG(duration_ms)::numeric, 1) AS mean_duration_ms
FROM failures
GROUP BY event, severity
ORDER BY errors DESC, event, severity;
