"""A pod's life by the kubelet's rules: what is to happen next, and what is said of it. Pure, but for its writer."""
