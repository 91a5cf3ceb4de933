"""One Prefect task a stage: a name, retries, one call into par_core."""
