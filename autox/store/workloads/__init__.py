"""What runs an experiment: its Job or CronJob, and the pods and Events that say what a Job does not."""
