-- Which users ran into failures most in the last 30 days: how often, where, how often were they let through, when last?
SELECT
    user_id,
    SUM(reports)::bigint AS reports,
    SUM(bypassed)::bigint AS bypassed,
    STRING_AGG(DISTINCT endpoint, ', ' ORDER BY endpoint) AS endpoints,
    MAX(last_seen) AS last_seen
FROM incident_impact
WHERE user_id IS NOT NULL AND last_seen >= NOW() - INTERVAL '30 days'
GROUP BY user_id
ORDER BY SUM(reports) DESC, user_id
LIMIT 20;
