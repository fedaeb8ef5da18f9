-- How did the trials end whose outcomes came in the last 30 days, in per cent of each type of trial?
WITH trials AS (
    SELECT
        TRIM(COALESCE(data->>'trial_type', data->>'trial')) AS trial_type,
        COALESCE(
            NULLIF(TRIM(COALESCE(data->>'outcome', data->>'result')), ''),
            CASE data->>'converted' WHEN 'true' THEN 'converted' WHEN 'false' THEN 'not_converted' END
        ) AS outcome
    FROM analytics_logs
    WHERE timestamp >= NOW() - INTERVAL '30 days'
)
SELECT
    trial_type,
    outcome,
    COUNT(*) AS trials,
    ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (PARTITION BY trial_type), 1) AS percent
FROM trials
WHERE LEFT(trial_type, 1) NOT IN ('', '{', '[') AND outcome IS NOT NULL
GROUP BY trial_type, outcome
ORDER BY trial_type, trials DESC, outcome;
