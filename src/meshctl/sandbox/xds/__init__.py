"""The mesh control plane: the model of a mesh and the translators to Envoy's configuration, all pure.

Flow: `objects` (Kubernetes and Istio objects of each cluster) -> `mesh.assemble` -> `Mesh`: `registry`
(services and endpoints merged over the clusters), `networks` (their gateways), `configs` (Istio objects) and
indexes of them -> `scope.of(mesh, proxy)`: what one proxy may see -> `clusters.build`, `endpoints.build`,
`listeners.build`, `routes.build`: each `(mesh, proxy) -> {name: resource}`, xDS JSON with proto field names.
Behaviour is that of Istio 1.31.0.
"""
