"""One outside system each: kopf, Helm through pyhelm3, APScheduler. The only place that imports them."""
