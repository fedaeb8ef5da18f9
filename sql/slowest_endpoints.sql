-- Which endpoints answered slowest in the last 7 days, by the response times of half, 95 % and 99 % of their requests?
WITH told AS (
    SELECT
        severity,
        TRIM(COALESCE(data->>'endpoint', data->>'route', data->>'path')) AS endpoint,
        COALESCE(data->>'status', data->>'status_code', data->>'http_status') AS status,
        data->>'success' AS success,
        COALESCE(
            data->>'duration_ms', data->>'response_time_ms', data->>'duration', data->>'response_time',
            data->>'latency_ms', data->>'elapsed_ms', data->>'time_ms'
        ) AS duration
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '7 days'
),
requests AS (
    SELECT
        REGEXP_REPLACE(SPLIT_PART(endpoint, '?', 1), '/([0-9]+|[0-9A-Fa-f-]{8,})(/|$)', '/*\2', 'g') AS endpoint,
        severity <> 'INFO' OR status ~ '^5[0-9][0-9]$' OR success = 'false' AS failed,
        CASE
            WHEN duration ~ '^[0-9]{1,8}([.][0-9]+)?([eE]-[0-9]{1,2})?$' THEN duration::double precision
        END AS duration_ms
    FROM told
)
SELECT
    endpoint,
    COUNT(*) AS requests,
    ROUND(100.0 * COUNT(*) FILTER (WHERE failed) / COUNT(*), 1) AS percent_failed,
    ROUND((PERCENTILE_CONT(0.50) WITHIN GROUP (ORDER BY duration_ms))::numeric, 1) AS p50_ms,
    ROUND((PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY duration_ms))::numeric, 1) AS p95_ms,
    ROUND((PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY duration_ms))::numeric, 1) AS p99_ms
FROM requests
WHERE LEFT(endpoint, 1) NOT IN ('', '{', '[')
GROUP BY endpoint
ORDER BY p95_ms DESC NULLS LAST, requests DESC, endpoint
LIMIT 20;
