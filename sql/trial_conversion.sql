-- How did the trials of the last 30 days end, in per cent of each type of trial?
WITH trials AS (
    SELECT TRIM(data->>'trial_type') AS trial_type, COALESCE(NULLIF(TRIM(data->>'outcome'), ''), 'unknown') AS outcome
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '30 days'
)
SELECT
    trial_type,
    outcome,
    COUNT(*) AS trials,
    ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (PARTITION BY trial_type), 1) AS percent
FROM trials
WHERE LEFT(trial_type, 1) NOT IN ('', '{', '[')
GROUP BY trial_type, outcome
ORDER BY trial_type, trials DESC, outcome;
