-- How many incidents were fixed on each day of the last year (UTC), which, and how many of them came back?
SELECT
    (fixed_at AT TIME ZONE 'UTC')::date AS day,
    COUNT(DISTINCT incident_id) AS fixed,
    COUNT(DISTINCT incident_id) FILTER (WHERE came_back) AS came_back,
    STRING_AGG(DISTINCT error_key, ', ' ORDER BY error_key) AS error_keys
FROM incident_fixes
GROUP BY (fixed_at AT TIME ZONE 'UTC')::date
ORDER BY day DESC;
