"""What is put on the control plane: nodes, namespaces, objects, and the churn of all of them."""
