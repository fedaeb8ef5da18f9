-- Which incidents are reported most, how many users have they hit, and where do they stand?
SELECT
    error_key,
    title,
    severity,
    status,
    count AS reports,
    user_count AS users,
    first_seen,
    last_seen
FROM incidents
ORDER BY reports DESC, last_seen DESC, incident_id
LIMIT 20;
