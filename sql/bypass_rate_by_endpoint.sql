-- At which endpoints were users let through despite a failure in the last 30 days, and in how much of the reports?
SELECT
    endpoint,
    SUM(reports)::bigint AS reports,
    SUM(bypassed)::bigint AS bypassed,
    ROUND(100.0 * SUM(bypassed) / SUM(reports), 1) AS percent_bypassed
FROM incident_impact
WHERE endpoint IS NOT NULL AND last_seen >= NOW() - INTERVAL '30 days'
GROUP BY endpoint
ORDER BY SUM(bypassed) DESC, SUM(reports) DESC, endpoint;
