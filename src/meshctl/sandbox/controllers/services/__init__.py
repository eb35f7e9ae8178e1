"""Services: their endpoints, the nodes' kernels that lead to them, external addresses, and the cluster's names."""
